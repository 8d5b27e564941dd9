"""A shared text that is left: what was typed last is sent, or shown again, or asked about."""

from __future__ import annotations

from typing import Any

from textual.widgets import DataTable

from chorus_tui.contract.problem import Problem
from chorus_tui.widgets.dialogs import Confirm
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_collab import opened
from tests.ui.texts import BEGUN, TextEngine


async def left_for_the_list(pilot: Any) -> None:
    """Escape closes the text on a small terminal."""
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(pilot.app.screen.focused, DataTable), "at the list")


def test_a_text_that_is_left_while_the_engine_is_away_is_sent_when_it_is_back():
    """Also what fills several batches; nobody has to open it again."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        engine.gone = True
        for n in range(3):
            editor.insert(f"{n}" * 300_000, (0, 0))
            await settle(pilot)
        await left_for_the_list(pilot)
        assert editor.copy_of is None
        assert str(engine.text) == BEGUN
        engine.gone = False
        await until(pilot, lambda: len(str(engine.text)) == len(BEGUN) + 900_000, "sent")
        await until(pilot, lambda: "collab.leave" in [name for name, _ in engine.calls], "left")

    play(steps, engine=TextEngine(), first="collab", size=SIZES["80x24"])


def test_a_text_that_is_left_with_words_unsent_shows_them_when_it_is_opened_again():
    """Its own copy is shown, with what others wrote meanwhile, and goes on from there."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        engine.problems["collab.sync"] = Problem(403, "not-invited", "Nothing was written", "Ask ada.")
        await pilot.press(*"words ")
        await settle(pilot)
        await left_for_the_list(pilot)
        engine.other(0, "others ")
        await opened(pilot)
        assert sorted(editor.text) == sorted("words others " + BEGUN)
        engine.problems.clear()
        await until(pilot, lambda: str(engine.text) == editor.text, "sent")
        assert "words " in editor.text

    play(steps, engine=TextEngine(), first="collab", size=SIZES["80x24"])


def test_leaving_the_portal_sends_what_was_typed_last():
    """The last letters and the key that leaves come at once: the engine has them before it is let go."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        editor.insert("last ", (0, 0))
        await pilot.app.action_quit()
        await until(pilot, lambda: engine.closed, "left")
        assert str(engine.text) == "last " + BEGUN

    play(steps, engine=TextEngine(), first="collab")


def test_leaving_the_portal_with_words_that_cannot_be_saved_asks_first_and_goes_back():
    """The question names the text and why; after no, the words are sent when the engine is back; then one leaves unasked."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        await opened(pilot)
        engine.gone = True
        await pilot.press(*"words ")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
        asked = str(pilot.app.screen.query_one(".question").render())
        assert "Not saved: what you typed last in “The plan”. The engine is out of reach." in asked
        await settle(pilot)
        await pilot.press("ctrl+q")
        await settle(pilot)
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Confirm), "asked once")
        engine.gone = False
        await until(pilot, lambda: str(engine.text) == "words " + BEGUN, "sent")
        assert not engine.closed
        await pilot.app.action_quit()
        await until(pilot, lambda: engine.closed, "left")

    play(steps, engine=TextEngine(), first="collab")


def test_words_that_come_after_the_end_are_told_and_not_sent_again_and_again():
    """Another ended it while they were typed: the line below the text says so."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        engine.ended = True
        editor.insert("late ", (0, 0))
        safe = pilot.app.screen.query_one("#safe")
        await until(pilot, lambda: "came after the end" in str(safe.render()), "told")
        before = len([name for name, _ in engine.calls if name == "collab.sync"])
        await pilot.pause(1.0)
        assert len([name for name, _ in engine.calls if name == "collab.sync"]) - before <= 1
        await pilot.app.action_quit()
        await until(pilot, lambda: engine.closed, "left unasked")

    play(steps, engine=TextEngine(), first="collab")
