"""What a guest of a served portal may type and paste, in the real app on a scripted engine."""

from __future__ import annotations

import asyncio

from textual import events
from textual.screen import Screen
from textual.widgets import Input, TextArea

from chorus_tui.app import ChorusApp
from chorus_tui.serve import bounds
from chorus_tui.serve.bounds import GuestPortal
from chorus_tui.serve.pastes import PASTE
from chorus_tui.serve.ssh.command import STOPPED
from tests.ui.fake_engine import FakeEngine, a_hello
from tests.ui.playing import until
from tests.ui.test_look import text_of


class Fields(Screen[None]):
    """One of each kind."""

    def compose(self):
        yield Input(id="line")
        yield TextArea(id="area")


class Portal(GuestPortal):
    """It looks for no engine."""

    def start_connecting(self):
        return None


FULL = ("x" * 1023 + "\n") * (bounds.AREA // 1024)
CASES = [
    ("area", "", "ab\n" * 1000, True),
    ("area", "", "ab\n" * (PASTE // 3 + 1), False),
    ("area", "", "x" * bounds.LINE, True),
    ("area", "y", "x" * bounds.LINE, False),
    ("area", "", "x\n" + "x" * (bounds.LINE + 1), False),
    ("area", FULL, "ab\n", False),
    ("line", "", "x" * bounds.FIELD, True),
    ("line", "y", "x" * bounds.FIELD, False),
]


def test_a_field_takes_a_bounded_text():
    """What is too much is refused whole and said, however it is pasted; what stood there stays."""
    found = []

    async def go():
        app = Portal(no_engine)
        async with app.run_test(size=(80, 24)) as pilot:
            await app.push_screen(Fields())
            for where, held, text, _ in CASES:
                field, name = app.screen.query_one(f"#{where}"), "text" if where == "area" else "value"
                for paste in (True, False):
                    setattr(field, name, held)
                    field.focus()
                    app.clear_notifications()
                    app.copy_to_clipboard(text)
                    await pilot.pause()
                    if paste:
                        app.post_message(events.Paste(text))
                        await pilot.pause()
                    else:
                        await pilot.press("ctrl+v")
                    found.append((len(getattr(field, name)), len(app._notifications)))

    asyncio.run(go())

    lengths = [len(held) + len(text) * fits for _, held, text, fits in CASES for _ in "12"]
    assert [now for now, _ in found] == lengths
    assert [told == 0 for _, told in found] == [fits for _, _, _, fits in CASES for _ in "12"]


async def no_engine(_progress):
    raise AssertionError("nobody connects")


def test_a_full_field_takes_no_key_more():
    """Neither a letter nor a new line; the cursor moves and what is deleted makes room."""
    area = TextArea(FULL)

    assert bounds.too_much(area, "x") == bounds.too_much(area, "\n") != ""
    assert bounds.too_much(area, "") == bounds.too_much(None, "x") == ""


def test_a_guest_sees_as_whom_he_acts_and_hears_nothing_of_an_engine_of_his():
    """The peer is not he: the status names him, and through whom he acts; a lost engine is not his to start."""

    async def go():
        engine = FakeEngine()
        engine.hello = a_hello(person="cleo")

        async def connect(_progress):
            return engine

        for portal, told in ((GuestPortal, "you act as cleo through you"), (ChorusApp, "I am you (human")):
            app = portal(connect)
            async with app.run_test(size=(120, 40)) as pilot:
                await until(pilot, lambda told=told: told in " ".join(text_of(pilot).replace("│", " ").split()), told)
                engine.connect_state("lost")
                await until(pilot, lambda: "out of reach" in text_of(pilot), "lost")
                assert ("--data-dir" in text_of(pilot)) is (portal is ChorusApp)
                engine.connect_state("connected")

    asyncio.run(go())
    assert "Your engine" not in STOPPED
