"""What the engine refuses stays in its box with the reason, to be mended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.widgets import Input, OptionList

from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.widgets.answer import AnswerBox
from chorus_tui.widgets.box import Box
from chorus_tui.widgets.dialogs import Ask, ErrorBox
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import play, settle, until
from tests.ui.rooms import filled
from tests.ui.test_boxes import asked
from tests.ui.test_inbox import with_items
from tests.ui.test_look import text_of
from tests.ui.texts import TextEngine

REFUSED = invalid({"address": "nobody listens there"}, "It could not be dialled")


LINES = [
    ("peers", "c", "/ip4/127.0.0.1/tcp/1", "peers.connect"), ("peers", "colon", "connect /ip4/127.0.0.1/tcp/1", "peers.connect"),
    ("hmmm", "w", "go on", "hmmm.answer"), ("collab", "a", "ada", "collab.invite"),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "key", "line", "operation"), LINES)
def test_a_line_that_the_engine_refuses_stays_with_the_reason(mode, key, line, operation):
    """Its box is open, what was typed is there to be mended, and a second try closes it."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems[operation] = REFUSED
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask), "asked")
        await settle(pilot, 1)
        asking = pilot.app.screen
        asking.query_one(Input).value = line
        await pilot.press("enter")
        await until(pilot, lambda: "nobody listens there" in text_of(pilot), "told")
        assert pilot.app.screen is asking
        assert asking.query_one(Input).value == line
        engine.problems.clear()
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Box), "taken")

        assert len(asked(engine, operation)) == 2

    engine = filled(TextEngine())
    play(steps, engine=engine, first=mode)


def test_an_answer_that_is_refused_after_its_box_was_left_is_told_all_the_same():
    """Who goes away meanwhile hears of it in a box of its own."""

    class Slow(FakeEngine):
        async def call(self, operation: str, request: Any = None) -> Any:
            if operation == "peers.connect":
                await left.wait()
                raise REFUSED
            return await super().call(operation, request)

    left = asyncio.Event()

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("c")
        await settle(pilot, 1)
        pilot.app.screen.query_one(Input).value = "/ip4/127.0.0.1/tcp/1"
        await pilot.press("enter", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Box), "left")
        left.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorBox), "told")

    play(steps, engine=Slow(), first="peers")


def test_a_command_that_does_not_exist_stays_to_be_mended():
    """The prompt says so beside what was typed."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("colon", *"peres", "enter")
        await settle(pilot, 1)
        assert "No command 'peres'; 1 shows them all" in text_of(pilot)
        await pilot.press(*["backspace"] * 3, *"ers", "enter")
        await until(pilot, lambda: pilot.app.current_mode == "peers", "gone there")

    play(steps)


def test_a_vote_that_is_refused_keeps_its_reason():
    """Choice and words stay as they are."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems["inbox.answer"] = Problem(
            409, "ended", "It does not wait any more", "It was answered meanwhile"
        )
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("2", "tab", *"not now", "enter")
        await until(pilot, lambda: "It was answered meanwhile" in text_of(pilot), "told")
        asking = pilot.app.screen

        assert asking.query_one(Input).value == "not now"
        assert asking.query_one(OptionList).highlighted == 1
        assert isinstance(asking, AnswerBox)

    play(steps, engine=with_items(), first="inbox")
