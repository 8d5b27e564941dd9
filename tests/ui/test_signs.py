"""What a person sees without colours: which box is marked, that a line goes on, what a column's name stands above; keys that can act."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text
from textual.app import App, ComposeResult
from textual.widget import Widget

from chorus_tui.widgets.diff import SideBySide, half, heading
from chorus_tui.widgets.event_log import EventLog
from chorus_tui.widgets.marks import Mark, MarkList
from chorus_tui.widgets.rows import Rows
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import play, settle, until
from tests.ui.rooms import filled as with_rooms
from tests.ui.test_footer import footer
from tests.ui.test_look import text_of
from tests.ui.test_web import WEB, serving


def seen(widget: Callable[[], Widget], steps: Any, size: tuple[int, int] = (30, 6)) -> None:
    """One widget alone on a terminal."""

    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield widget()

    async def run() -> None:
        async with Alone().run_test(size=size) as pilot:
            await pilot.pause()
            await steps(pilot)

    asyncio.run(run())


def test_a_box_has_its_sign_only_while_it_is_marked():
    """The same line without colours tells whether it is."""

    async def steps(pilot: Any) -> None:
        assert "▐ ▌ for good" in text_of(pilot)
        await pilot.press("tab", "space")
        assert "▐X▌ for good" in text_of(pilot)

    seen(lambda: Mark("for good"), steps)


def test_of_a_list_of_boxes_only_the_chosen_have_their_sign():
    """On each line by itself."""

    async def steps(pilot: Any) -> None:
        await pilot.press("tab", "space")
        lines = text_of(pilot)
        assert ["▐X▌ a.md" in lines, "▐ ▌ b.md" in lines, "▐X▌ c.md" in lines] == [True, True, True]

    seen(lambda: MarkList(("a.md", 1), ("b.md", 2), ("c.md", 3, True)), steps)


@pytest.mark.parametrize("width", [8, 20, 29, 30])
def test_a_line_that_is_wider_than_its_log_ends_with_a_sign(width):
    """One that fits has none."""
    log = EventLog("output")

    async def steps(pilot: Any) -> None:
        log.extend([("info", "x" * width)])
        await pilot.pause()
        room = log.size.width
        assert text_of(pilot).count("x") == (width if width <= room else room - 1)
        assert ("x…" in text_of(pilot)) == (width > room)

    seen(lambda: log, steps)


@pytest.mark.parametrize("still", [False, True])
def test_all_of_a_wide_line_can_be_read(still):
    """Folded, it goes on in the next rows, under what stands before it and above what comes after; cut, the keys to the sides move it as
    far as its end and back to its beginning. Following the end or standing still."""
    log = EventLog("output")
    line = "".join(f"{n:03}," for n in range(30))

    async def steps(pilot: Any) -> None:
        log.focus()
        log.extend([("info", "before"), ("info", line), ("info", "after")])
        await pilot.press(*["home"] * still)
        await pilot.pause()
        assert "029," not in text_of(pilot)
        assert log.following is not still
        await pilot.press("z")
        await pilot.pause()
        rows = [row.strip(" │") for row in text_of(pilot).splitlines() if row.startswith("│")]
        assert "".join(rows) == f"before{line}after"
        await pilot.press("z", *["right"] * 40)
        await pilot.pause()
        assert "…" in text_of(pilot)
        assert "029," in text_of(pilot)
        assert "000," not in text_of(pilot)
        assert "from column" in str(log.border_subtitle)
        await pilot.press(*["left"] * 40)
        await pilot.pause()
        assert "000," in text_of(pilot)
        assert "from column" not in str(log.border_subtitle)

    seen(lambda: log, steps, size=(30, 12))


def test_what_is_selected_of_a_folded_line_is_what_was_marked():
    """By where the mouse was, whatever row of the line that is."""
    log = EventLog("output")
    line = "".join(f"{n:03}," for n in range(30))

    async def steps(pilot: Any) -> None:
        log.focus()
        log.extend([("info", line)])
        await pilot.press("z")
        await pilot.pause()
        width = log.size.width
        await pilot.mouse_down(log, offset=(1, 2))
        await pilot.hover(log, offset=(5, 2))
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == line[width : width + 5]

    seen(lambda: log, steps, size=(30, 12))


def test_the_name_of_a_column_stands_where_its_cells_stand():
    """Numbers stand right, and their column's name ends where they end."""

    def table() -> Rows:
        rows = Rows(("task", "time"), (6, 8), (), id="rows", right=(1,))
        rows.lay_out([("1", (Text("Build"), Text("10 s", justify="right")))], 0)
        return rows

    async def steps(pilot: Any) -> None:
        lines = [line.rstrip(" │") for line in text_of(pilot).splitlines()]
        (name,), (cell,) = ([len(line) for line in lines if line.endswith(word)] for word in (" time", "10 s"))
        assert name == cell

    seen(table, steps)


@given(st.text("ab", max_size=60), st.text("ab", max_size=60), st.integers(20, 120))
def test_the_rule_between_two_names_stands_above_that_between_two_texts(left, right, width):
    """Whatever they are called, and however wide it is; nothing is wider than its side."""
    told = heading(left, right, width)

    # A sign and a blank stand before the words of a side; the names begin one column further left.
    assert told.index(" │ ") + 1 == 2 + half(width)
    assert cell_len(told) <= 2 * half(width) + 5


def test_of_two_versions_each_line_has_one_sign_however_many_rows_it_takes():
    """A side that has no more lines shows none as taken away; what goes on says so."""

    async def steps(pilot: Any) -> None:
        await pilot.pause()
        rows = [line.split("│") for line in text_of(pilot).splitlines() if "│" in line]
        signs = [(left[:1], right.strip()[:1]) for left, right in rows]
        assert signs == [("-", "+"), (" ", "…"), (" ", "…")]

    seen(lambda: SideBySide("short", "long " * 6), steps, size=(34, 8))


@pytest.mark.parametrize(
    ("mode", "hidden"),
    [
        ("patch", "Comment Approve Changes Submit Apply Read"), ("hmmm", "Reply Object Agree Answer"), ("inbox", "Answer Open"),
        ("collab", "Invite End Chat"), ("ucxl", "Edit Back Forward Diff"), ("web", "Stop One-time"),
    ],
)  # fmt: skip
def test_with_nothing_under_the_cursor_no_key_is_told_that_needs_it(mode, hidden):
    """What begins something new is; so are the keys of every screen."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await until(pilot, lambda: "? Keys  q Leave" in footer(pilot), mode)
        await settle(pilot)
        told = footer(pilot).split()
        assert not set(told) & set(hidden.split())
        assert {"New", "Start"} & set(told) or mode == "inbox"

    play(steps, engine=serving() if mode == "web" else FakeEngine(), first=mode)


def test_the_keys_come_with_what_they_are_for():
    """A thread under the cursor has them; a portal that is served is stopped, and not started."""

    async def rooms(pilot: Any, _engine: FakeEngine) -> None:
        await until(pilot, lambda: "Reply" in footer(pilot), "keys for the thread")

    async def portals(pilot: Any, _engine: FakeEngine) -> None:
        await until(pilot, lambda: "Stop" in footer(pilot), "keys for what is served")
        assert "Start" not in footer(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "Start" in footer(pilot), "SSH is not served")
        assert "Stop" not in footer(pilot)

    play(rooms, engine=with_rooms(FakeEngine()), first="hmmm")
    play(portals, engine=serving(WEB), first="web")
