"""The screen of shared texts: how it looks, and that no key is ever lost, whoever else writes and whether the engine is there."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.widgets import DataTable, Input

from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.screens.collab_editor import MOST_TEXT, SharedEditor
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.texts import BEGUN, SESSION, TextEngine


async def opened(pilot: Any) -> SharedEditor:
    """The first text of the list, open."""
    await settle(pilot)
    await pilot.press("enter")
    editor = pilot.app.screen.query_one(SharedEditor)
    await until(pilot, lambda: editor.copy_of is not None, "the text is here")
    await settle(pilot)
    return editor


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", ["list", "filled", "empty", "failing"])
def test_the_screen_looks_as_it_should(picture, size, world):
    """The list; a text with others' cursors, chat and who is there; empty with what to do next; while the engine is out of reach."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        await settle(pilot)
        if world in ("filled", "failing"):
            await opened(pilot)
            safe = pilot.app.screen.query_one("#safe")
            await until(pilot, lambda: "held by 2" in str(safe.render()), "told how safe it is")
        if world == "failing":
            engine.gone = True
            engine.connect_state("lost")
            await pilot.press(*"Not lost. ")
            await until(
                pilot, lambda: "out of reach; nothing" in str(pilot.app.screen.query_one("#safe").render()), "told"
            )
        await settle(pilot)
        picture(pilot.app, f"collab/{world}-{size}")

    play(steps, engine=TextEngine(empty=True) if world == "empty" else TextEngine(), first="collab", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["new", "end"])
def test_the_forms_look_as_they_should(picture, size, form):
    """Both forms, with what the engine does not take at its field."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        engine.problems = {"collab.end": invalid({"address": "a wildcard names many places; name one"})}
        await settle(pilot)
        await pilot.press(form[0])
        await settle(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        picture(pilot.app, f"collab/{form}-{size}")

    play(steps, engine=TextEngine(), first="collab", size=SIZES[size])


def test_keys_and_others_edits_at_once_lose_nothing_and_the_cursor_stays_with_its_words():
    """While one types a line at the end, others write at the beginning and delete in the middle: every key is there, in order."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        editor.move_cursor(editor.document.end)
        for n, letter in enumerate("quick brown foxes"):
            await pilot.press("space" if letter == " " else letter)
            if n % 3 == 0:
                engine.other(0, f"{n}\n")
            if n == 7:
                engine.other(str(engine.text).encode().find(b"shortened"), "", removed=5)
        await until(pilot, lambda: str(engine.text) == editor.text, "both have the same text")
        assert editor.text.endswith("Who tests it?quick brown foxes")
        assert "that is ened.\n" in editor.text
        assert editor.place == len(editor.text)

    play(steps, engine=TextEngine("A line that is shortened.\n" + BEGUN), first="collab")


def test_a_key_that_is_not_in_the_copy_yet_survives_anothers_edit():
    """An update comes between a key and its being noticed: both are in the text, the key where it was typed."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        assert editor.copy_of is not None
        editor.insert("typed ", editor.document.end)
        editor.take(made_elsewhere(engine, "first "))
        assert editor.text == f"first {BEGUN}typed "
        await until(pilot, lambda: str(engine.text) == editor.text, "both have the same text")
        assert editor.text == f"first {BEGUN}typed "

    play(steps, engine=TextEngine(), first="collab")


def made_elsewhere(engine: TextEngine, text: str) -> bytes:
    """An update that the engine has, and has not told yet."""
    before = engine.doc.get_state()
    engine.text.insert(0, text)
    return engine.doc.get_update(before)


def test_keys_that_act_keep_their_place_among_letters_however_quick_they_come():
    """A backspace between letters takes the letter before it, although all of them were there before the first was looked at."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        for key in ("a", "b", "c", "backspace", "d", "left", "e", "delete", "f"):
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: str(engine.text) == editor.text and editor.text != BEGUN, "all came")
        await settle(pilot)
        assert editor.text == "abef" + BEGUN

    play(steps, engine=TextEngine(), first="collab")


def test_what_is_typed_while_the_engine_is_away_goes_to_it_when_it_is_back():
    """The copy keeps it, says so, and sends it once the stream is there again."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        engine.gone = True
        await pilot.press(*"abc")
        await settle(pilot)
        assert str(engine.text) == BEGUN
        assert "nothing is lost" in str(pilot.app.screen.query_one("#safe").render())
        engine.other(0, "others ")
        engine.gone = False
        await until(pilot, lambda: str(engine.text) == editor.text, "both have the same text")
        assert "abc" in editor.text
        assert "others " in editor.text
        await until(pilot, lambda: "held by 2" in str(pilot.app.screen.query_one("#safe").render()), "told")

    play(steps, engine=TextEngine(), first="collab")


def test_an_engine_that_forgot_the_last_words_gets_them_again():
    """It was killed before they were saved: what the copy knows and the engine does not is sent anew, once."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        before = engine.doc.get_update()
        await pilot.press(*"typed")
        await until(pilot, lambda: "typed" in str(engine.text), "taken")
        fresh = TextEngine("")
        fresh.doc.apply_update(before)
        engine.doc, engine.text = fresh.doc, fresh.text
        assert "typed" not in str(engine.text)
        engine.say(f"collab:{SESSION}", None, {"kind": "changed"}, dropped=1)
        await until(pilot, lambda: str(engine.text) == editor.text and "typed" in str(engine.text), "sent again")

    play(steps, engine=TextEngine(), first="collab")


def test_large_pastes_undo_and_characters_of_two_units_keep_both_sides_equal():
    """A paste of 100,000 characters, an undo, an emoji deleted: the copy and the engine agree after each."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        editor.insert("x😀\n" * 25_000, (0, 0))
        await until(pilot, lambda: str(engine.text) == editor.text and len(editor.text) > 75_000, "pasted")
        await pilot.press("ctrl+z")
        await until(pilot, lambda: str(engine.text) == editor.text, "undone")
        editor.move_cursor((3, 9))
        await pilot.press("backspace")
        await until(pilot, lambda: str(engine.text) == editor.text, "deleted")

    play(steps, engine=TextEngine(), first="collab")


def test_a_text_that_this_editor_cannot_keep_is_only_shown():
    """Line ends that the editor would change are not touched: the text is read only, and says why."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        assert editor.read_only
        await pilot.press(*"xz")
        await settle(pilot)
        assert str(engine.text) == "one\r\ntwo\nthree\u2028four"
        assert "cannot keep" in str(pilot.app.screen.query_one("#safe").render())

    play(steps, engine=TextEngine("one\r\ntwo\nthree\u2028four"), first="collab")


def test_the_text_cannot_steer_the_terminal():
    """Control characters and direction marks are dots on the screen, and stay as they are in the text."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        shown = "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
        assert "a·[31m·b" in shown
        await pilot.press("x")
        await until(pilot, lambda: str(engine.text) == editor.text, "same")
        assert "a\x1b[31m\u202eb" in str(engine.text)

    play(steps, engine=TextEngine("a\x1b[31m\u202eb"), first="collab")


def test_chat_is_kept_when_it_is_refused_and_said_when_it_is_taken():
    """ctrl+t goes to the line; a refused word stays in it."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        await opened(pilot)
        engine.problems["collab.chat"] = Problem(403, "not-invited", "Nothing was written")
        await pilot.press("ctrl+t", *"hello", "enter")
        await settle(pilot)
        await pilot.press("x")
        await settle(pilot)
        assert pilot.app.screen.query_one("#say", Input).value == "hello"
        engine.problems.clear()
        pilot.app.screen.query_one("#say", Input).focus()
        await pilot.press("enter")
        await until(pilot, lambda: engine.chat[-1].text == "hello", "said")
        await settle(pilot)
        assert pilot.app.screen.query_one("#say", Input).value == ""

    play(steps, engine=TextEngine(), first="collab")


def test_the_prompt_opens_a_text_and_escape_goes_back_to_the_list():
    """``:collab SESSION``, cut short; escape brings the keys to the list, on a small terminal it closes the text."""

    async def steps(pilot: Any, _engine: TextEngine) -> None:
        await pilot.press("colon", *"collab ", *SESSION[:25].lower(), "0", "enter")
        editor = pilot.app.screen.query_one(SharedEditor)
        await until(pilot, lambda: editor.copy_of is not None, "open")
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(pilot.app.screen.focused, DataTable)
        assert editor.copy_of is None

    play(steps, engine=TextEngine(), first="collab", size=SIZES["80x24"])


def test_the_end_stops_the_keys_and_shows_the_text_of_the_end():
    """After the form was sent the text is read only and says what it became."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        await pilot.press("escape", "e")
        await settle(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: editor.read_only, "ended")
        await settle(pilot)
        assert editor.text == BEGUN
        assert "ended as nothing" in str(pilot.app.screen.query_one("#safe").render())
        assert [name for name, _ in engine.calls].count("collab.end") == 1

    play(steps, engine=TextEngine(), first="collab")


def test_words_that_the_engine_does_not_take_are_kept_and_sent_again():
    """A refusal is told once and stands below the text; when the engine takes them after all, nothing is missing."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        engine.problems["collab.sync"] = Problem(403, "not-invited", "Nothing was written", "Ask ada.")
        await pilot.press(*"words ")
        safe = pilot.app.screen.query_one("#safe")
        await until(pilot, lambda: "kept here and sent again: Nothing was written" in str(safe.render()), "told")
        assert editor.text == "words " + BEGUN
        engine.problems.clear()
        await until(pilot, lambda: str(engine.text) == "words " + BEGUN, "sent again")

    play(steps, engine=TextEngine(), first="collab")


def test_a_text_that_gets_too_long_is_told_at_once_and_taken_back():
    """Nothing of the paste stays, neither here nor at the engine."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        editor = await opened(pilot)
        editor.insert("x" * (MOST_TEXT + 1), (0, 0))
        await until(pilot, lambda: editor.text == BEGUN, "taken back")
        await settle(pilot)
        assert str(engine.text) == BEGUN

    play(steps, engine=TextEngine(), first="collab")


def test_a_portal_that_only_looks_shows_text_and_chat_and_follows_them():
    """Nobody joins: the text is there, read only, and what others write comes; there is no line to say something in."""

    async def steps(pilot: Any, engine: TextEngine) -> None:
        await pilot.press("enter")
        editor = pilot.app.screen.query_one(SharedEditor)
        await until(pilot, lambda: editor.text == BEGUN, "shown")
        editor.move_cursor((2, 3))
        engine.other(0, "New first line\n")
        await until(pilot, lambda: editor.text == str(engine.text), "followed")
        assert editor.cursor_location == (3, 3)
        await pilot.press(*"xz")
        await settle(pilot, 1)
        assert editor.text == "New first line\n" + BEGUN
        assert not pilot.app.screen.query_one("#say").display
        assert "It is." in str(pilot.app.screen.query_one("#lines").render())
        assert "only looks" in str(pilot.app.screen.query_one("#safe").render())
        await pilot.press("escape", "2")
        await settle(pilot, 1)
        assert {name for name, _ in engine.calls if name.startswith("collab.")} == {"collab.list", "collab.show"}

    play(steps, engine=TextEngine(), first="collab", read_only=True)
