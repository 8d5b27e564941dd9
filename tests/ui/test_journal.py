"""The journal screen where there is nothing to show, and where the person has gone on."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.widgets import Input

from chorus_tui.contract.problem import Problem
from chorus_tui.screens.journal_times import TimesForm
from chorus_tui.widgets.reader import Reader
from chorus_tui.widgets.rows import Rows
from tests.ui.playing import play, settle, until

from .test_look import text_of
from .worlds import FullEngine, everything


class SlowEngine(FullEngine):
    """Verifies only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()

    async def call(self, operation: str, request: Any = None) -> Any:
        if operation == "journal.verify":
            await self.let.wait()
        return await super().call(operation, request)


def test_why_no_entry_is_shown_is_told_truly():
    """For a type without entries it is that, with the way out; not that nothing was said. What could not be read again is told
    beside what is still shown."""

    async def steps(pilot: Any, engine: FullEngine) -> None:
        screen = pilot.app.screen
        table = screen.query_one(Rows)
        await until(pilot, lambda: table.row_count == 4, "read")
        engine.problems["journal.tail"] = Problem(503, "busy", "Not now", "the index is being made")
        await pilot.press("l")
        await until(pilot, lambda: "the index is being made" in text_of(pilot), "the fault")
        assert table.row_count == 4
        engine.problems.clear()
        await pilot.press("f")
        await settle(pilot, 1)
        pilot.app.screen.query_one(Input).value = "heartbeat"
        await pilot.press("enter")
        await until(pilot, lambda: table.row_count == 0, "none of that type")

        assert "No entry of the type heartbeat is held here." in text_of(pilot)
        assert "the index is being made" not in text_of(pilot)
        assert "Nothing was said yet" not in text_of(pilot)

    play(steps, engine=everything(), first="journal")


def test_only_entries_of_a_time_are_shown_once_the_engine_took_it():
    """What it does not take is told at its field and nothing typed is lost; what it took is asked for from then on, told above the
    list and in the command line, and can be taken back."""

    async def steps(pilot: Any, engine: FullEngine) -> None:
        screen = pilot.app.screen
        table = screen.query_one(Rows)
        await until(pilot, lambda: table.row_count == 4, "read")
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, TimesForm), "asked")
        await settle(pilot, 1)
        form = pilot.app.screen
        await pilot.press(*"yesterday", "tab", *"65s", "enter")
        await until(pilot, lambda: form.query_one("#since").has_class("-wrong"), "told at the field")
        assert "since: 'yesterday' is neither a time back from now" in text_of(pilot)
        assert form.query_one("#until", Input).value == "65s"
        form.query_one("#since", Input).value = "85s"
        await pilot.press("enter")
        await until(pilot, lambda: table.row_count == 2, "those of 80 and of 70 seconds ago")

        assert "since 85s until 65s" in text_of(pilot)
        assert "--since 85s --until 65s" in dict(screen.told_commands())["show it"]
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, TimesForm), "asked again")
        pilot.app.screen.query_one("#until", Input).value = "80s"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: table.row_count == 0, "none of that time")
        assert "No entry since 85s until 80s is held here. w chooses another time, or all." in text_of(pilot)

    play(steps, engine=everything(), first="journal")


def test_a_verdict_does_not_jump_at_who_has_gone_on():
    """On another screen it is a notice; the screen and its keys stay as they are."""

    async def steps(pilot: Any, engine: SlowEngine) -> None:
        await pilot.press("v", "t")
        await until(pilot, lambda: pilot.app.current_mode == "tasks", "gone on")
        engine.let.set()
        told = pilot.app._notifications
        await until(pilot, lambda: any("17 decided: nothing is wrong" in one.message for one in told), "told")

        assert not isinstance(pilot.app.screen, Reader)

    play(steps, engine=SlowEngine(), first="journal")


def test_what_a_clock_says_beyond_the_calendar_ends_no_portal():
    """An entry of any time that the wire can carry has its page and is searched through."""

    async def steps(pilot: Any, _engine: FullEngine) -> None:
        table = pilot.app.screen.query_one(Rows)
        await until(pilot, lambda: table.row_count == 4, "read")
        await pilot.press("slash", *"1970")
        await until(pilot, lambda: table.row_count == 4, "all fit")
        await until(pilot, lambda: "second 1000000000000 since 1970" in text_of(pilot), "its page")

    engine = everything()
    engine.entries = [one.model_copy(update={"at": 999_999_999_999.999}) for one in engine.entries]
    play(steps, engine=engine, first="journal")
