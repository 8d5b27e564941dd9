"""The inbox: what waits, in order, and answering it by keys."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, Static

from chorus_tui.contract.problem import Problem
from chorus_tui.widgets.answer import AnswerBox
from tests.ui.fake_engine import FakeEngine, some_waiting
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_look import text_of


def with_items() -> FakeEngine:
    engine = FakeEngine()
    engine.inbox = some_waiting()
    return engine


def answers(engine: FakeEngine) -> list[Any]:
    return [request for name, request in engine.calls if name == "inbox.answer"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", ["filled", "empty", "lost"])
def test_the_inbox_looks_as_it_should(picture, size, world):
    """Filled in the order of urgency, empty with what will come here, and while the engine is out of reach."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        if world == "lost":
            engine.connect_state("lost")
            await settle(pilot)
        picture(pilot.app, f"inbox/{world}-{size}")

    play(steps, engine=FakeEngine() if world == "empty" else with_items(), first="inbox", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_the_box_for_an_answer_looks_as_it_should(picture, size):
    """Choices by number, words below, the command line, the keys."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("enter")
        await settle(pilot)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        picture(pilot.app, f"inbox/answer-{size}")

    play(steps, engine=with_items(), first="inbox", size=SIZES[size])


def test_a_choice_and_words_are_given_by_keys():
    """Number, tab, words, enter: exactly one answer leaves, with both."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert not answers(engine), "typed ahead, before anything was chosen"
        await pilot.press("2", "tab", *"not now", "enter")
        await until(pilot, lambda: bool(answers(engine)), "answered")
        assert [(a.item_id, a.choice, a.text) for a in answers(engine)] == [
            ("approval:01ARZ3NDEKTSV4RRFFQ69G5FA4", "deny", "not now")
        ]

    play(steps, engine=with_items(), first="inbox")


def test_needed_words_are_asked_for_and_an_answer_that_came_too_late_says_so():
    """Enter without words gives nothing away; what the engine refuses is shown with its reason."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems["inbox.answer"] = Problem(
            409, "ended", "It does not wait any more", "It was answered meanwhile"
        )
        await pilot.press("G", "enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert not answers(engine)
        await pilot.press(*"take the old one", "enter")
        await until(pilot, lambda: "It was answered meanwhile" in text_of(pilot), "told")
        assert [a.text for a in answers(engine)] == ["take the old one"]

    play(steps, engine=with_items(), first="inbox")


def test_escape_answers_nothing():
    """Closing the box leaves the item as it was."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("enter", "1", "escape")
        await settle(pilot)
        assert not answers(engine)

    play(steps, engine=with_items(), first="inbox")


def test_a_long_question_leaves_room_for_its_answer():
    """A title, a tally and options as long as the mesh lets them be, at 80 columns: options, words, what is for good, the command and
    the keys are all there, and the question scrolls."""
    box = AnswerBox(
        "T" * 199 + "!", " ".join(f"{n:02} {'o' * 61}: 0" for n in range(16)), [f"{n:02} {'o' * 61}" for n in range(16)],
        "optional", "chorus-tui decide vote 01ARZ3NDEKTSV4RRFFQ69G5FA4 CHOICE --reason TEXT --final", for_good="for good",
    )  # fmt: skip

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.app.push_screen(box)
        await settle(pilot, 2)
        box.query_one("#problem", Static).update("Choose one first.")
        await settle(pilot, 2)
        shown = "\n".join(strip.text for strip in box._compositor.render_strips())

        for words in (
            "TTTT",
            "1  00 oooo",
            "3  02 oooo",
            "your words",
            "for good",
            "Choose one first.",
            "--final",
            "esc  back",
        ):
            assert words in shown, f"{words}\n{shown}"
        assert box.query_one("#asked").max_scroll_y > 0
        assert "█▄▄▄▄" in shown

    play(steps, size=(80, 24))
