"""Making a patch by its form, and applying one by keys."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, SelectionList, TextArea

from chorus_tui.client import local_files
from chorus_tui.client.local_files import Reach
from chorus_tui.contract.models.patches import PatchFile, PatchPreview, SecretLine
from chorus_tui.contract.models.status import Hello
from chorus_tui.contract.problem import Problem
from chorus_tui.screens import patch_apply
from chorus_tui.screens.patch_draft import PatchDraft
from chorus_tui.screens.patch_wizard import PatchWizard
from chorus_tui.widgets.dialogs import Confirm
from tests.integration.patches.trees import clone, git, tree
from tests.ui.fake_engine import FakeEngine
from tests.ui.patches import NEW, OLD, chosen, filled, shown
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_decide import asked


@pytest.fixture
def work_tree(tmp_path, monkeypatch):
    folder = tree(tmp_path / "shop", {"sums.py": OLD, "a.md": "a\n"})
    (folder / "sums.py").write_text(NEW)
    (folder / "new.md").write_text("n\n")
    monkeypatch.setattr(PatchDraft, "here", classmethod(lambda cls: cls(str(folder))))
    return folder


async def opened(pilot: Any) -> PatchWizard:
    await pilot.press("n")
    await until(pilot, lambda: isinstance(pilot.app.screen, PatchWizard), "open")
    await until(pilot, lambda: pilot.app.screen.query_one(SelectionList).option_count == 2, "files are listed")
    await settle(pilot)
    return pilot.app.screen


async def choose_both(pilot: Any) -> None:
    await pilot.press("home", "space", "down", "space")
    await until(pilot, lambda: pilot.app.screen.draft.data.count(b"diff --git") == 2, "both are in the diff")
    await settle(pilot)


def test_a_patch_is_made_by_the_wizard(work_tree):
    """Files with their live diff, words, what others will see; then one request with the commit it was made on."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await opened(pilot)
        await choose_both(pilot)
        assert "zeroes" not in shown(pilot)
        assert "sums.py" in shown(pilot)
        await pilot.press("ctrl+n")
        await settle(pilot)
        await pilot.press(*"Sums", "enter", *"It is shorter.", "ctrl+n")
        await until(pilot, lambda: "SHHH found no secret" in shown(pilot), "previewed")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(asked(engine, "patches.create")), "made")
        (request,) = asked(engine, "patches.create")
        assert (request.title, request.message, request.kind, request.repository) == (
            "Sums",
            "It is shorter.",
            "code",
            "shop",
        )
        assert request.base == git(work_tree, "rev-parse", "HEAD").strip()
        assert request.staged == "ab" * 16

    play(steps, engine=filled(), first="patch")


def test_secrets_are_told_and_make_no_patch(work_tree):
    """The preview names the lines; nothing can be created, and nothing typed is lost."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.preview = PatchPreview(files=[], added=0, removed=0, secrets=[SecretLine(file="sums.py", line=3)])
        await opened(pilot)
        await choose_both(pilot)
        await pilot.press("ctrl+n")
        await settle(pilot)
        await pilot.press(*"Sums", "ctrl+s")
        await until(pilot, lambda: "sums.py:3" in shown(pilot), "told")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert not asked(engine, "patches.create")
        await pilot.press("escape")
        await settle(pilot)
        wizard = await opened(pilot)
        assert wizard.query_one("#patch-title", Input).value == "Sums"
        assert len(wizard.query_one(SelectionList).selected) == 2

    play(steps, engine=filled(), first="patch")


def test_what_the_engine_does_not_take_is_shown_at_its_step(work_tree):
    """With what was typed still there; an engine that is gone loses nothing either."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        wizard = await opened(pilot)
        await choose_both(pilot)
        await pilot.press("ctrl+n")
        await settle(pilot)
        await pilot.press(*"Sums", "ctrl+s")
        await until(pilot, lambda: "SHHH found no secret" in shown(pilot), "previewed")
        engine.problems["patches.create"] = Problem(
            422, "invalid", "The request is not valid", "", {"title": "say more"}
        )
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "title: say more" in shown(pilot), "told")
        assert wizard.query_one("#patch-title", Input).value == "Sums"
        assert wizard.query_one("#patch-title", Input).has_focus
        engine.gone = True
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Nothing is lost" in shown(pilot), "told")
        assert wizard.query_one(TextArea).text == ""

    play(steps, engine=filled(), first="patch")


def test_a_folder_without_a_repository_is_told(work_tree, tmp_path):
    """And another one can be typed."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        wizard = await opened(pilot)
        (tmp_path / "nothing").mkdir()
        folder = wizard.query_one("#folder", Input)
        folder.focus()
        folder.value = str(tmp_path / "nothing")
        await pilot.press("enter")
        await until(pilot, lambda: "in no git repository" in shown(pilot), "told")
        folder.value = str(work_tree)
        folder.focus()
        await pilot.press("enter")
        await until(pilot, lambda: wizard.query_one(SelectionList).option_count == 2, "listed")

    play(steps, engine=filled(), first="patch")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", ["files", "words", "preview", "secrets"])
def test_the_wizard_looks_as_it_should(picture, monkeypatch, tmp_path, size, step):
    """Each step, filled; and a preview that found secrets."""
    folder = tree(tmp_path / "shop", {"sums.py": OLD})
    (folder / "sums.py").write_text(NEW)
    (folder / "new.md").write_text("n\n")
    monkeypatch.setattr(PatchDraft, "here", classmethod(lambda cls: cls(str(folder))))

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.preview = PatchPreview(
            files=[PatchFile(path="new.md", added=1), PatchFile(path="sums.py", added=6, removed=7)], added=7, removed=7,
            secrets=[SecretLine(file="sums.py", line=3)] if step == "secrets" else [],
        )  # fmt: skip
        wizard = await opened(pilot)
        await choose_both(pilot)
        wizard.query_one("#folder", Input).value = wizard.draft.folder = "/home/you/shop"
        wizard.draft.base = "3efb9b9c" * 5
        if step != "files":
            await pilot.press("ctrl+n")
            await settle(pilot)
            await pilot.press(*"Sum without a loop", "enter", *"It is shorter.")
        if step in ("preview", "secrets"):
            await pilot.press("ctrl+n")
            await until(pilot, lambda: "SHHH found" in shown(pilot), "previewed")
        await settle(pilot)
        picture(pilot.app, f"patch/wizard-{step}-{size}")

    play(steps, engine=filled(), first="patch", size=SIZES[size])


async def applying(pilot: Any, folder: Path) -> Any:
    await chosen(pilot, "Say what it is")
    await pilot.press("p")
    await settle(pilot)
    form = pilot.app.screen
    form.query_one("#folder", Input).value = str(folder)
    return form


def test_it_is_tried_then_asked_then_applied(tmp_path):
    """Nothing is changed before the question is answered; then the work tree has it, and the mesh is told where."""
    here = tree(tmp_path / "shop", {"README.md": "Shop\n"})
    there = clone(here, tmp_path / "there")

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await applying(pilot, there)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "It applies" in shown(pilot), "tried")
        assert (there / "README.md").read_text() == "Shop\n"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
        await settle(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(asked(engine, "patches.applied")), "told")
        (said,) = asked(engine, "patches.applied")
        assert (there / "README.md").read_text() == "Shop\n\nA shop.\n"
        assert (said.repository, said.branch, said.onto) == ("shop", "main", git(there, "rev-parse", "HEAD").strip())

    play(steps, engine=filled(), first="patch")


def test_who_applies_stays_until_it_is_applied(tmp_path, monkeypatch):
    """While git is at work neither a way back nor a second try takes the word of it from the person and from the mesh."""
    here = tree(tmp_path / "shop", {"README.md": "Shop\n"})
    there = clone(here, tmp_path / "there")
    really, go_on = patch_apply.applying.apply, threading.Event()

    def slow(*given: Any) -> str:
        assert go_on.wait(60)
        return really(*given)

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        monkeypatch.setattr(patch_apply.applying, "apply", slow)
        form = await applying(pilot, there)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "It applies" in shown(pilot), "tried")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
        await settle(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "Applying" in shown(pilot), "at work")
        await pilot.press("ctrl+s", "escape", "enter")
        await settle(pilot)
        assert (pilot.app.screen is form, "Applying" in shown(pilot)) == (True, True)
        go_on.set()
        await until(pilot, lambda: bool(asked(engine, "patches.applied")), "told")
        await until(pilot, lambda: pilot.app.screen is not form, "closed")
        assert (there / "README.md").read_text() == "Shop\n\nA shop.\n"

    play(steps, engine=filled(), first="patch")


def test_a_guest_commits_under_his_own_name(tmp_path, monkeypatch):
    """At a served portal a commit on a new branch is by whom the engine names, not by who serves."""
    here = tree(tmp_path / "shop", {"README.md": "Shop\n"})
    there = clone(here, tmp_path / "there")
    monkeypatch.setattr(local_files, "_reach", [Reach(served=True, root=tmp_path.resolve())])
    hello = {
        "contract": (1, 0),
        "version": "1",
        "agent_id": "alpha",
        "peer_id": "12D3",
        "kind": "human",
        "pid": 1,
        "data_dir": "/d",
    }

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.hello = Hello.model_validate({**hello, "person": "ben"})
        form = await applying(pilot, there)
        form.query_one("#branch", Input).value = "by-ben"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "It applies" in shown(pilot), "tried")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
        await settle(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(asked(engine, "patches.applied")), "told")
        written = git(
            there, "log", "-1", "--format=%an %ae %cn %(trailers:key=Asserted-By,valueonly)", "by-ben"
        ).strip()
        assert written == "ben 12D3@chorus.invalid ben alpha <12D3@chorus.invalid>"

    play(steps, engine=filled(), first="patch")


@pytest.mark.parametrize("size", SIZES)
def test_one_that_does_not_apply_says_where(picture, tmp_path, size):
    """File, line, what was expected and what is there; nothing is asked, nothing is changed."""
    here = tree(tmp_path / "shop", {"README.md": "Store\n"})

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        form = await applying(pilot, here)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "expected: Shop" in shown(pilot), "told")
        folder = form.query_one("#folder", Input)
        folder.value = "/home/you/shop"
        folder.cursor_position = len(folder.value)  # it was where the name of a temporary folder ended
        await settle(pilot)
        picture(pilot.app, f"patch/apply-{size}")
        assert (here / "README.md").read_text() == "Store\n"
        assert not asked(engine, "patches.applied")

    play(steps, engine=filled(), first="patch", size=SIZES[size])
