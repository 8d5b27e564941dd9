"""Patches on the screen: how they look, and that each key does what it says."""

from __future__ import annotations

from typing import Any

import pytest

from chorus_tui.contract.models.task_result import Change, TaskResult
from chorus_tui.contract.problem import Problem
from chorus_tui.widgets.dialogs import Confirm, ErrorBox
from chorus_tui.widgets.hunks import Hunks
from tests.ui.fake_engine import FakeEngine
from tests.ui.patches import IDENTIFIERS, chosen, filled, shown
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_decide import asked
from tests.ui.votes import filled as votes


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", ["filled", "diff", "empty", "failing", "lost"])
def test_the_screen_looks_as_it_should(picture, size, world):
    """The patch that waits; its diff with comments at their lines; nothing; a diff that cannot be had; out of reach."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press(
            *{"filled": ["down", "down"], "diff": ["down", "down", "right_square_bracket"]}.get(world, [])
        )
        if world == "lost":
            engine.connect_state("lost")
        await settle(pilot)
        picture(pilot.app, f"patch/{world}-{size}")

    engine = FakeEngine(empty=True) if world == "empty" else filled()
    if world == "failing":
        engine.problems["patches.diff"] = Problem(
            503, "not-here", "The diff is not here", "Nobody in reach has it now."
        )
    play(steps, engine=engine, first="patch", size=SIZES[size])


def test_what_others_wrote_is_text():
    """Markup and control characters of a diff are shown as what they are."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await chosen(pilot, "Sum without a loop")
        await pilot.press("right_curly_bracket")
        await settle(pilot)
        assert "[red]not markup[/red]" in shown(pilot)
        assert "\x1b" not in shown(pilot)
        assert "�[31mnor a colour" in shown(pilot)

    play(steps, engine=filled(), first="patch")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (117, 40), (120, 40)])
def test_no_letter_is_lost_at_any_width(size):
    """Lines that are longer than the place goes on below, to their last letter."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await chosen(pilot, "Sum without a loop")
        hunks = pilot.app.screen.query_one(Hunks)
        rows = [row for row, _ in hunks._rows]
        assert max(row.cell_len for row in rows) <= hunks.scrollable_content_region.width
        letters = "".join("".join(row.plain for row in rows).split())
        assert "returnsorted(order.namefororderinorders)" in letters

    play(steps, engine=filled(), first="patch", size=size)


def test_hunks_and_files_are_gone_to_by_keys():
    """Forth and back; the ends hold."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await chosen(pilot, "Sum without a loop")
        hunks = pilot.app.screen.query_one(Hunks)
        seen = [hunks.place]
        for key in (
            "right_square_bracket",
            "right_square_bracket",
            "left_square_bracket",
            "right_curly_bracket",
            "left_curly_bracket",
        ):
            await pilot.press(key)
            seen.append(hunks.place)
        for _ in range(5):
            await pilot.press("right_square_bracket")
        seen.append(hunks.place)
        sums = "shop/sums.py"
        assert seen == [
            (sums, 0),
            (sums, 1),
            ("docs/sums.md", 0),
            (sums, 1),
            ("docs/sums.md", 0),
            (sums, 0),
            ("docs/sums.md", 0),
        ]

    play(steps, engine=filled(), first="patch")


def test_a_comment_goes_to_the_chosen_hunk():
    """C and words: one comment for the revision that is seen."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await chosen(pilot, "Sum without a loop")
        await pilot.press("right_square_bracket", "c")
        await settle(pilot)
        await pilot.press(*"why?", "enter")
        await until(pilot, lambda: bool(asked(engine, "patches.review")), "said")
        (review,) = asked(engine, "patches.review")
        assert (review.patch_id, review.revision, review.verdict) == (IDENTIFIERS[0], 0, "comment")
        assert [(one.file, one.hunk, one.line, one.text) for one in review.comments] == [
            ("shop/sums.py", 1, None, "why?")
        ]

    play(steps, engine=filled(), first="patch")


@pytest.mark.parametrize(("keys", "operation", "title"), [
    (["A", "y"], "patches.review", "Sum without a loop"), (["C", "x", "enter"], "patches.review", "Sum without a loop"),
    (["v", "enter"], "patches.vote", "Say what it is"), (["x", "n", "o", "enter"], "patches.withdraw", "Say what it is"),
])  # fmt: skip
def test_keys_do_what_they_say(keys, operation, title):
    """Each after its question, and once."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await chosen(pilot, title)
        await pilot.press(keys[0])
        await settle(pilot)
        assert not asked(engine, operation)
        await pilot.press(*keys[1:])
        await until(pilot, lambda: len(asked(engine, operation)) == 1, "asked")

    play(steps, engine=filled(), first="patch")


@pytest.mark.parametrize("key", ["A", "C", "s", "v", "p", "x", "c"])
def test_what_is_not_possible_says_so(key):
    """On an applied patch of one's own nothing opens and nothing is asked."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await chosen(pilot, "Name the shop")
        before, screen = len(engine.calls), pilot.app.screen
        await pilot.press(key)
        await settle(pilot)
        assert pilot.app.screen is screen
        assert len(engine.calls) == before

    play(steps, engine=filled(), first="patch")


def test_what_the_engine_refuses_is_told():
    """And the screen goes on."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems["patches.review"] = Problem(409, "old-revision", "Revision 0 is not the newest any more", "")
        await chosen(pilot, "Sum without a loop")
        await pilot.press("A")
        await settle(pilot)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorBox), "told")

    play(steps, engine=filled(), first="patch")


def test_the_vote_is_followed_and_a_patch_found_from_anywhere():
    """W goes to the decision; the prompt's “patch ID” comes back to the patch."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await chosen(pilot, "Round prices")
        await pilot.press("w")
        await until(pilot, lambda: bool(pilot.app.screen.query("#decisions")), "on the decide screen")
        await pilot.press("colon", *f"patch {IDENTIFIERS[1]}", "enter")
        await until(pilot, lambda: bool(pilot.app.screen.query("#patches")), "back")
        await settle(pilot)
        assert "Say what it is" in shown(pilot)
        assert pilot.app.screen.selected().patch_id == IDENTIFIERS[1]

    engine = filled()
    engine.decisions = votes().decisions
    play(steps, engine=engine, first="patch")


def test_a_change_shows_by_itself_and_keeps_the_place():
    """A new comment comes in while a hunk is read: the hunk stays chosen."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await chosen(pilot, "Sum without a loop")
        await pilot.press("right_square_bracket")
        row = engine.patches[0] = engine.patches[0].model_copy(update={"message": "said anew", "comments": 4})
        engine.say("patches", row.key, row.model_dump())
        await until(pilot, lambda: pilot.app.screen._view.message == "said anew", "asked again")
        await settle(pilot)
        assert pilot.app.screen.query_one(Hunks).place == ("shop/sums.py", 1)

    play(steps, engine=filled(), first="patch")


def test_what_a_task_has_changed_becomes_a_patch_by_a_key():
    """P on the tasks screen, after a question; a task without an accepted change says so."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        task_id = pilot.app.screen.rows.chosen
        await pilot.press("P")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, Confirm)
        result = TaskResult(
            outcome="completed",
            change=Change(base="a" * 40, patch=f"sha256:{'b' * 64}", size=9, files=1, insertions=1, deletions=0),
        )
        engine.tasks[task_id] = engine.tasks[task_id].model_copy(update={"result": result, "title": "with a change"})
        engine.say("tasks", task_id, engine.row(engine.tasks[task_id]).model_dump())
        await until(pilot, lambda: pilot.app.screen._view.title == "with a change", "asked again")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
        await settle(pilot)
        await pilot.press("y")
        await until(pilot, lambda: [one.task_id for one in asked(engine, "patches.from_task")] == [task_id], "made")

    play(steps, first="tasks")
