"""The footer: never a key that is cut, never one that does not do what it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.app import ChorusApp
from chorus_tui.commands.keys import everywhere
from chorus_tui.commands.places import PLACES
from chorus_tui.screens.collab_editor import SharedEditor
from chorus_tui.widgets.footer import fitting
from tests.ui.playing import play, until

from .conftest import ROOT
from .fake_engine import FakeEngine
from .test_look import show, start, text_of
from .texts import TextEngine
from .worlds import everything

PICTURES = sorted(ROOT.glob("*/*-80x24.txt"))


def footer(pilot: Any) -> str:
    return text_of(pilot).splitlines()[-1].rstrip()


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_in_each_picture_the_last_key_is_whole(file):
    """At 80 columns each footer ends with all words of a key; with the one that leaves, and before it the one that shows all keys,
    unless keys are words there or the screen is a page that escape closes."""
    words = {key.title for key in everywhere(ChorusApp)} | {"Back", "Save"}
    last = file.read_text().splitlines()[-1].rstrip()

    assert last.endswith("? Keys  q Leave") or "esc Back" in last or "esc List" in last
    assert any(last.endswith(f" {word}") for word in words)


def test_a_portal_that_only_looks_has_room_for_them_too():
    """On each screen, beside the words that say so, and with two columns fewer."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.resize_terminal(80, 24)
        for mode in PLACES:
            await show(pilot, mode)
            await until(pilot, lambda: footer(pilot).endswith("? Keys  q Leave"), mode)
            assert footer(pilot).startswith(" read only "), mode
        await pilot.resize_terminal(160, 24)
        await until(pilot, lambda: "^p palette" in footer(pilot) and "1 Help" in footer(pilot), "room again")

    start(steps, everything(), read_only=True)


@given(st.lists(st.integers(1, 20), max_size=16), st.integers(0, 200), st.data())
def test_what_is_left_out(widths, room, data):
    """What is left fits, or is only what always stays; all that fits stays, in its order; what is spared goes before the rest."""
    always = data.draw(st.sets(st.sampled_from(range(len(widths))))) if widths else set()
    spare = data.draw(st.lists(st.sampled_from(range(len(widths))), max_size=1)) if widths else []
    shown = fitting(widths, room, always, spare)
    gone = [n for n in range(len(widths)) if n not in shown]

    assert shown == sorted(shown)
    assert always <= set(shown)
    assert sum(widths[n] for n in shown) <= room or set(shown) == always
    if sum(widths) <= room:
        assert gone == []
    for n in spare:
        assert not gone or n in gone or n in always


def test_in_a_text_only_keys_that_act_are_told():
    """With the editor in use neither the filter nor enter is offered, the way back to the list is; on the list it is the other way
    round; the line of the chat is one to type in, too."""

    async def steps(pilot: Any, _engine: TextEngine) -> None:
        await until(pilot, lambda: "/ Filter" in footer(pilot), "the list")
        assert "List" not in footer(pilot)
        await pilot.press("enter")
        editor = pilot.app.screen.query_one(SharedEditor)
        await until(pilot, lambda: not editor.read_only and "esc List" in footer(pilot), "the text")
        for _ in range(2):
            assert "Filter" not in footer(pilot)
            assert "Open" not in footer(pilot)
            await pilot.press("ctrl+t")
            await until(pilot, lambda: pilot.app.focused is not editor and "esc List" in footer(pilot), "the chat")
        await pilot.press("escape")
        await until(pilot, lambda: "/ Filter" in footer(pilot), "the list again")

    play(steps, engine=TextEngine(), first="collab", size=(80, 24))
