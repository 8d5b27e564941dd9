"""How it looks in other sizes, colours and states; one portal a row, since a portal costs more than a picture."""

from __future__ import annotations

from typing import Any

import pytest

from chorus_tui.contract.problem import Problem
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import SIZES, play, settle
from tests.ui.worlds import everything

SHOWN = ("status", "tasks", "decide")


async def show(pilot: Any, mode: str) -> None:
    await pilot.app.action_show(mode)
    await settle(pilot)


def test_wide_terminals(picture):
    """200 columns and 60 rows: words get the room, nothing is stretched that has none."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        for mode in SHOWN:
            await show(pilot, mode)
            picture(pilot.app, f"{mode}/filled-200x60")

    play(steps, engine=everything(), size=(200, 60))


def test_light_and_grey(picture):
    """The light theme and the one without colours tell the same, in words and signs."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        for theme in ("chorus-light", "chorus-mono"):
            pilot.app.theme = theme
            for mode in SHOWN:
                await show(pilot, mode)
                picture(pilot.app, f"{mode}/{theme.removeprefix('chorus-')}-120x40")

    play(steps, engine=everything(), size=(120, 40))


def test_failing(picture):
    """The engine tells nothing: why, and what to do."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        for mode in SHOWN:
            await show(pilot, mode)
            picture(pilot.app, f"{mode}/failing-80x24")

    engine = everything()
    for operation in ("status.show", "tasks.list", "decisions.list"):
        engine.problems[operation] = Problem(503, "busy", "The journal is being rebuilt", "It takes about a minute.")
    play(steps, engine=engine, size=(80, 24))


@pytest.mark.parametrize("size", SIZES)
def test_journal_filter_and_command_lines(picture, size):
    """The journal, the filter with what it hides, the box of command lines, an error."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        picture(pilot.app, f"journal/filled-{size}")
        await pilot.press("slash", *"monday", "enter")
        await settle(pilot)
        picture(pilot.app, f"journal/filtered-{size}")
        await show(pilot, "patch")
        await pilot.press("ctrl+y")
        await settle(pilot)
        picture(pilot.app, f"patch/commands-{size}")
        await pilot.press("escape")
        pilot.app.report("The request is not valid", "deadline: 'soon' is neither a time from now nor RFC 3339")
        await settle(pilot)
        picture(pilot.app, f"patch/error-{size}")

    play(steps, engine=everything(), first="journal", size=SIZES[size])
