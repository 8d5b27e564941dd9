"""One product: what every screen has in common, tried on each of them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from textual.widgets import Input, Static
from textual.widgets._toast import Toast

from chorus_tui.app import ChorusApp
from chorus_tui.client.read_only import ReadOnly, reads
from chorus_tui.commands.places import PLACES
from chorus_tui.contract.operations import OPERATIONS, Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.widgets import box
from chorus_tui.widgets.command_box import CommandBox
from chorus_tui.widgets.dialogs import Confirm, ErrorBox
from chorus_tui.widgets.event_log import EventLog
from chorus_tui.widgets.portal_screen import PortalScreen
from chorus_tui.widgets.reader import Reader
from chorus_tui.widgets.rows import Rows
from tests.ui.fake_engine import FakeEngine, a_hello
from tests.ui.playing import begun, play, settle, until
from tests.ui.worlds import everything, poisoned

LISTS = ("peers", "tasks", "hmmm", "inbox", "decide", "patch", "collab", "journal")


def text_of(pilot: Any) -> str:
    """What is on the screen."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


async def show(pilot: Any, mode: str) -> PortalScreen:
    await pilot.app.action_show(mode)
    await pilot.pause(0.15)
    return pilot.app.screen


def start(steps: Any, engine: FakeEngine, **options: Any) -> ChorusApp:
    """As :func:`play`, with options of the app."""

    async def connect(_progress: Any) -> Any:
        return engine

    async def run() -> ChorusApp:
        app = ChorusApp(connect, **{"first": "tasks", **options})
        app.animation_level = "none"
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await begun(pilot, engine)
            await settle(pilot, 2)
            await steps(pilot, engine)
        return app

    return asyncio.run(run())


async def one_list(pilot: Any, mode: str, copied: list[str]) -> None:
    """What every list does."""
    await pilot.app.action_show(mode)
    screen = pilot.app.screen
    await until(pilot, lambda: bool(screen.query(Rows)) and screen.query(Rows).first().row_count > 0, mode)
    table = screen.query(Rows).first()
    rows = table.row_count
    await pilot.press("slash", *"qz")
    await until(pilot, lambda: table.row_count == 0, mode)
    assert f"{rows} of {rows} hidden" in str(screen.query_one("#filter-told", Static).render()), mode
    await pilot.press("escape")
    await until(pilot, lambda: table.row_count == rows, mode)
    assert not screen.filter_shown
    thing = screen.thing()
    await pilot.press("y", "ctrl+y")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandBox), mode)
    await pilot.press("enter")
    assert copied[-2:] == [thing.identifier, screen.told_commands()[0][1]], mode
    assert copied[-1].startswith("chorus-tui "), mode


# ── filter, copy, command line ─────────────────────────────────────────────────────────────────────────────────────────


def test_every_list_filters_as_one_types_copies_what_is_under_the_cursor_and_tells_its_command():
    """On each: / narrows live and counts what is hidden, esc clears; y copies an id that is named; ctrl+y tells lines to copy."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        copied: list[str] = []
        pilot.app.copy_to_clipboard = copied.append
        for mode in LISTS:
            await one_list(pilot, mode, copied)

    play(steps, engine=everything())


def test_help_status_and_contents_filter_too():
    """Where there is no table: the lines of the help, of the log, the tree of contents; each tells what it hides."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.say_many("log", [{"at": 1.0, "level": "info", "text": word} for word in ("one", "two")])
        for mode, word in (("help", "quorum"), ("status", "two"), ("ucxl", "review.md")):
            screen = await show(pilot, mode)
            await pilot.press("slash", *word)
            await settle(pilot, 2)
            assert word in text_of(pilot), mode
            assert " hidden · esc clears" in text_of(pilot), mode
            await pilot.press("escape")
            assert not screen.filter_shown

    play(steps, engine=everything(), first="status")


def test_what_was_done_last_can_be_had_as_a_command_line(monkeypatch):
    """After an action its line is the first of the box, with its true fields."""
    monkeypatch.setattr(box, "TYPE_AHEAD_S", 0)

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        task_id = pilot.app.screen.thing().identifier
        await pilot.press("x")
        await settle(pilot, 2)
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.last_done is not None, "cancelled")
        await pilot.press("ctrl+y")
        await settle(pilot, 1)

        assert f"chorus-tui task cancel {task_id}" in text_of(pilot)

    play(steps, engine=everything())


# ── looking only ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_portal_that_only_looks_offers_nothing_that_acts():
    """On no screen a key is left that asks for more than reading; the footer says so; the keys that read still work."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        for mode in PLACES:
            screen = await show(pilot, mode)
            offered = [
                screen.twins().get(one.binding.action, "status.show")
                for one in screen.active_bindings.values()
                if one.enabled and one.node is screen
            ]
            assert all(reads(".".join(operation.split(".")[:2])) or operation in ("tasks.diff", "tasks.artifacts", "tasks.transcript")
                       for operation in offered), mode  # fmt: skip
            await until(pilot, lambda: text_of(pilot).splitlines()[-1].startswith(" read only "), mode)
        await show(pilot, "tasks")
        before = [name for name, _ in engine.calls]
        await pilot.press("a", "x", "y")
        await pilot.app.run_action("announce")
        await settle(pilot, 1)
        assert isinstance(pilot.app.screen, PortalScreen)
        assert {name for name, _ in engine.calls[len(before) :]} <= {
            one.name for one in OPERATIONS if one.scope is Scope.READ
        }

    start(steps, everything(), read_only=True)


def test_a_portal_is_told_that_it_may_only_look():
    """A guest whose token may only read gets such a portal from the engine's greeting: neither a setting nor the screen's guess."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await until(pilot, lambda: text_of(pilot).splitlines()[-1].startswith(" read only "), "the footer")
        await pilot.press("a")
        await settle(pilot)
        assert isinstance(pilot.app.screen, PortalScreen)
        assert isinstance(pilot.app.client, ReadOnly)

    engine = everything()
    engine.hello = a_hello(scope="read")
    start(steps, engine)


def test_what_acts_is_refused_before_it_leaves():
    """Whatever asks: the client of such a portal passes on what reads, and nothing else of the whole contract."""

    async def run() -> None:
        engine = FakeEngine()
        client = ReadOnly(engine)
        for operation in OPERATIONS:
            if operation.scope is Scope.READ:
                continue
            with pytest.raises(Problem, match="read only"):
                await client.call(operation.name)
        assert engine.calls == []
        await client.call("status.show")
        assert [name for name, _ in engine.calls] == ["status.show"]

    asyncio.run(run())


# ── dialogs and states ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_typed_before_the_question_was_painted_decides_nothing(monkeypatch):
    """What counts is when it was typed: a y that waited in the queue while the machine was slow is swallowed."""
    monkeypatch.setattr(box, "TYPE_AHEAD_S", 0)

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        from textual import events

        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
        await settle(pilot, 2)
        early = events.Key("y", "y")
        early.time = time.monotonic() - 60
        pilot.app.post_message(early)
        await settle(pilot, 2)
        assert isinstance(pilot.app.screen, Confirm)
        await pilot.press("y")
        await until(pilot, lambda: "tasks.cancel" in [name for name, _ in engine.calls], "cancelled")

    play(steps, engine=everything())


def test_a_notice_that_is_repeated_is_shown_once(monkeypatch):
    """Copied again and again, it stands there once, as the newest; another one stands beside it."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        def told() -> list[str]:
            return [one.message.split()[0] for one in pilot.app._notifications]

        monkeypatch.setattr(pilot.app, "NOTIFICATION_TIMEOUT", 3600)
        await pilot.press("y", "y")
        pilot.app.notify("Another", markup=False)
        await until(pilot, lambda: "Another" in told(), "the other one")
        await pilot.press("y")
        await until(pilot, lambda: told()[-1] == "Copied", "the newest")
        await settle(pilot, 2)

        assert told() == ["Another", "Copied"]
        assert len(pilot.app.screen.query(Toast)) == 2

    play(steps, engine=everything())


def test_an_error_has_a_number_that_stands_in_the_log_and_is_copied(monkeypatch):
    """The box names it, c copies number, title and detail, any other key closes and does nothing else."""
    monkeypatch.setattr(box, "TYPE_AHEAD_S", 0)

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        copied: list[str] = []
        pilot.app.copy_to_clipboard = copied.append
        pilot.app.report("Not possible [red]", "because\nof this")
        await settle(pilot, 2)
        assert "E1" in text_of(pilot)
        assert "Not possible [red]" in text_of(pilot)
        await pilot.press("c", "3")
        await settle(pilot, 2)

        assert copied == ["E1 Not possible [red]\nbecause\nof this"]
        assert not isinstance(pilot.app.screen, ErrorBox)
        assert pilot.app.current_mode == "tasks"
        assert any(line.text.startswith("E1:") for line in pilot.app.store.lines)

    play(steps, engine=everything())


def test_a_list_that_the_engine_does_not_tell_says_why_and_the_others_go_on():
    """One operation fails: its screen gives the engine's reason and what to do, all others show their rows; later it is there."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await show(pilot, "decide")
        assert "the index is being made" in text_of(pilot)
        assert (await show(pilot, "patch")).query(Rows).first().row_count > 0
        engine.problems.clear()
        await show(pilot, "decide")
        await until(pilot, lambda: pilot.app.screen.query(Rows).first().row_count > 0, "asked again")

    engine = everything()
    engine.problems["decisions.list"] = Problem(503, "busy", "Not now", "the index is being made")
    play(steps, engine=engine)


# ── the log ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_selected_in_a_log_stands_still_and_can_be_copied():
    """Pressing the mouse and moving it stops following; lines that come do not move it; what is copied is what is marked."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        screen, log = pilot.app.screen, pilot.app.screen.query_one(EventLog)
        engine.say_many("log", [{"at": 1.0, "level": "info", "text": f"line {n:03}"} for n in range(99)])
        await settle(pilot)
        await pilot.mouse_down(log, offset=(3, 3))
        await pilot.hover(log, offset=(20, 5))
        await settle(pilot, 1)
        marked = screen.get_selected_text()
        engine.say_many("log", [{"at": 1.0, "level": "info", "text": "late"} for _ in range(9)])
        await settle(pilot, 2)

        assert not log.following
        assert marked is not None
        assert "line 0" in marked
        assert screen.get_selected_text() == marked
        assert "+9 new" in str(log.border_subtitle)

    play(steps, engine=everything(), first="status")


def test_a_log_holds_a_bounded_amount_whatever_comes():
    """A million long lines leave its lines and each line's length bounded, filtered or not, and the filter true."""
    log = EventLog("log", capacity=100)
    for start_at in range(0, 10_000, 500):
        log._lines.extend(())
        log._filter = "7" if start_at >= 5000 else ""
        log._shown = [line for line in log._lines if log._fits(line)] if log._filter else log._lines
        log.extend([("info", f"{n} " + "x" * 5000) for n in range(start_at, start_at + 500)])
        assert len(log._lines) <= 100
        assert len(log._shown) <= 100
        assert max(len(text) for _, text in log._lines) <= 601
    assert all("7" in text for _, text in log._shown)


# ── journal ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_journal_is_read_filtered_and_verified():
    """The newest first with its words; a for one author, f for one type, v verifies and tells what was found."""

    async def steps(pilot: Any, engine: Any) -> None:
        table = pilot.app.screen.query_one(Rows)
        assert [str(table.get_row_at(n)[2]) for n in range(4)] == [
            "decision_vote",
            "hmmm_message",
            "task_complete",
            "task_announcement",
        ]
        assert "erased by its author" in text_of(pilot)
        await pilot.press("a")
        await until(pilot, lambda: table.row_count == 1, "one author")
        await pilot.press("a")
        await until(pilot, lambda: table.row_count == 4, "all")
        await pilot.press("f")
        await settle(pilot, 1)
        pilot.app.screen.query_one(Input).value = "task_complete"
        await pilot.press("enter")
        await until(pilot, lambda: table.row_count == 1, "one type")
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader), "verified")
        await settle(pilot, 1)
        assert "✓ 4 feeds, 42 entries, 17 decided: nothing is wrong" in text_of(pilot)

    play(steps, engine=everything(), first="journal")


# ── hostile words ──────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = (
    "[red]not markup[/red] [@click=app.quit]q[/] \x1b[2J\x1b]52;c;aGk=\x07 a\u202egnp.exe \u2066 Z" + "\u0301" * 500 + " \x9b31m"
    + "\r\nsecond \u2028 line " + "x" * 20_000
)  # fmt: skip


def test_hostile_words_are_shown_harmlessly_on_every_screen():
    """In every field that others write, on every screen: no control reaches the terminal, no markup is read, and it stays quick."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        for mode in PLACES:
            began = time.process_time()
            await show(pilot, mode)
            shown = text_of(pilot)
            assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u2028", "\r"} & set(shown), mode
            assert "\u0301" * 4 not in shown, mode
            if mode != "help":
                assert "[red]not markup[/red]"[:8] in shown, mode
            assert time.process_time() - began < 15, mode
        assert pilot.app.is_running

    start(steps, poisoned(HOSTILE))


def test_the_help_is_as_long_as_what_it_tells():
    """All keys are gathered after the first paint, and the last words of the glossary can be scrolled to."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await settle(pilot)
        await pilot.press("G")
        await settle(pilot)

        assert "voter" in "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())

    play(steps, first="help")
