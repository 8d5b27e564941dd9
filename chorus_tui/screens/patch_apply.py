"""Applying a patch from the portal: a dry run first, what it finds, then a question, then the change and the word to the mesh."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Label, Static

from chorus_tui.client import EngineGone, applying
from chorus_tui.client.git_run import GitError
from chorus_tui.client.local_files import OutOfReach, here, local
from chorus_tui.client.patches import read_diff
from chorus_tui.client.worktree import reached
from chorus_tui.commands.twins import line
from chorus_tui.contract.diff import BadDiff
from chorus_tui.contract.models.patches import PatchApplied, PatchView, WriteContext, Written
from chorus_tui.contract.problem import Problem
from chorus_tui.telling import patches as words
from chorus_tui.widgets.dialogs import Confirm
from chorus_tui.widgets.form import Form
from chorus_tui.widgets.plain import plain


class ApplyForm(Form):
    """Answers with what was done, or an empty text."""

    CSS_PATH = "patch_apply.tcss"
    SENDS = Form.SENDS | {"leave"}
    """Whoever left while it is applied would not hear what came of it, nor would the mesh."""

    def __init__(self, view: PatchView) -> None:
        super().__init__()
        self._view = view
        self.FIRST = "#folder" if self._in_tree else "#outcome-side"
        self._tried = ""
        """What was tried last and went well."""
        self._data = b""

    @property
    def _in_tree(self) -> bool:
        return self._view.kind != "context"

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label(f"Apply “{plain(self._view.title)}”", id="title", markup=False)
            if self._in_tree:
                yield Label("Work tree")
                yield Input(str(here()), id="folder")
                yield Label("As a commit on a new branch")
                yield Input(placeholder="no commit: to the work tree", id="branch")
            with VerticalScroll(id="outcome-side"):
                yield Static("It is tried first; nothing is changed by that.", id="outcome", markup=False)
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Try  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

    def on_input_changed(self, _event: Input.Changed) -> None:
        """What was tried is another thing now."""
        self._set_tried("")

    async def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Enter tries it."""
        await self.run_action("send")

    def _set_tried(self, what: str) -> None:
        self._tried = what
        self.query_one("#send", Button).label = "Apply  ctrl+s" if what else "Try  ctrl+s"

    def _typed(self) -> tuple[Path, str]:
        if not self._in_tree:
            return Path(), ""
        folder = self.query_one("#folder", Input).value.strip() or "."
        return local(folder), self.query_one("#branch", Input).value.strip()

    def action_send(self) -> None:
        """Try; what went well is applied after a question."""
        try:
            folder, branch = self._typed()
        except OutOfReach as error:
            self.say(str(error))
            return
        if self._tried != f"{folder} {branch}":
            self._try(folder, branch)
            return
        command = line("patches.apply", patch_id=self._view.patch_id, branch=branch)
        where = f"in {folder}{f', as a commit on {branch}' if branch else ''}" if self._in_tree else "as a new version"

        def sure(word: str | None) -> None:
            if word:
                self._apply(folder, branch)

        self.app.push_screen(Confirm(f"Apply it {where}?", command), sure)

    # ── trying ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, exit_on_error=False)
    async def _try(self, folder: Path, branch: str) -> None:
        self.say("")
        self._outcome("Trying …")
        try:
            found = await (self._try_in_tree(folder, branch) if self._in_tree else self._try_document())
        except (Problem, EngineGone, GitError, BadDiff) as error:
            self._outcome("It was not tried.")
            self.say(str(error))
            return
        if found:
            self._outcome("\n".join(["It does not apply; nothing was changed.", "", *found]))
        else:
            self._set_tried(f"{folder} {branch}")
            self._outcome(f"It applies: {words.size(self._view)}. ctrl+s applies it.")

    async def _try_in_tree(self, folder: Path, branch: str) -> list[str]:
        client = self.app.client  # type: ignore[attr-defined]
        self._data = await read_diff(client.call, self._view.patch_id, self._view.revision)
        repository = await asyncio.to_thread(reached, folder)
        wrong = await asyncio.to_thread(applying.misfits, repository, self._data, on_head=bool(branch))
        return [line for one in wrong for line in words.misfit(one)]

    async def _try_document(self) -> list[str]:
        client = self.app.client  # type: ignore[attr-defined]
        await client.call("patches.write", WriteContext(patch_id=self._view.patch_id, dry_run=True))
        return []

    def _outcome(self, text: str) -> None:
        self.query_one("#outcome", Static).update("\n".join(plain(line) for line in text.split("\n")))

    # ── applying ───────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, exit_on_error=False)
    async def _apply(self, folder: Path, branch: str) -> None:
        self._outcome("Applying …")
        self._awaits_answer = True
        try:
            told = await (self._apply_in_tree(folder, branch) if self._in_tree else self._write_document())
        except (Problem, EngineGone, GitError, BadDiff) as error:
            self._set_tried("")
            self._outcome("Nothing was applied.")
            self.say(str(error))
        else:
            self.dismiss(told)
        finally:
            self._awaits_answer = False

    async def _apply_in_tree(self, folder: Path, branch: str) -> str:
        """When the mesh cannot be told, that is said: the work tree is changed by then."""
        repository = await asyncio.to_thread(reached, folder)
        made = onto = ""
        if branch:
            by = applying.guest(self.app.client.hello)  # type: ignore[attr-defined]
            made = await asyncio.to_thread(
                applying.commit, repository, self._data, branch, applying.message_of(self._view), by
            )
        else:
            onto = await asyncio.to_thread(applying.apply, repository, self._data)
        where = {"repository": repository.name, "commit": made, "onto": onto, "branch": branch or repository.branch}
        request = PatchApplied.model_validate(
            {"patch_id": self._view.patch_id, "revision": self._view.revision, **where}
        )
        done = f"Applied in {repository.top}" + (
            f", commit {made[:12]} on {branch}" if made else "; nothing is committed"
        )
        try:
            await self.app.client.call("patches.applied", request)  # type: ignore[attr-defined]
        except (Problem, EngineGone) as error:
            return f"{done}. The mesh was not told: {error}"
        return done

    async def _write_document(self) -> str:
        client = self.app.client  # type: ignore[attr-defined]
        written: Written = await client.call("patches.write", WriteContext(patch_id=self._view.patch_id))
        return f"Written as version {written.version} of {written.address}"
