"""What is typed into a box is neither lost nor taken for something else: when the engine refuses it, and when it came before the box."""

from __future__ import annotations

import random
from typing import Any

import pytest
from textual import events
from textual.widgets import Input, Label, OptionList, Select, TextArea

from chorus_tui.screens.web import OneTimeUrl
from chorus_tui.widgets import box
from chorus_tui.widgets.answer import AnswerBox
from chorus_tui.widgets.box import Box
from chorus_tui.widgets.dialogs import Confirm, Prompt
from chorus_tui.widgets.form import Form
from chorus_tui.widgets.keys_box import EVERYWHERE, HERE, MOVING, KeysBox, keys_of
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import play, settle, until
from tests.ui.rooms import filled
from tests.ui.test_inbox import answers, with_items
from tests.ui.test_look import text_of
from tests.ui.test_web import WEB, serving
from tests.ui.texts import TextEngine

NAMES = {" ": "space", ":": "colon"}


def at_once(pilot: Any, *keys: str) -> None:
    """As a terminal brings what was typed while the portal was busy: all of it, before anything is done about the first."""
    for key in keys:
        event = events.Key(NAMES.get(key, key), key if len(key) == 1 else None)
        event.set_sender(pilot.app)
        pilot.app.post_message(event)


def asked(engine: FakeEngine, operation: str) -> list[Any]:
    return [request for name, request in engine.calls if name == operation]


# ── keys that were typed before the box was there ──────────────────────────────────────────────────────────────────────


def test_an_answer_that_was_typed_with_the_key_that_asks_is_none(monkeypatch):
    """X and y in one go: the y came through the screen below and is no yes to a question that nobody has seen."""
    monkeypatch.setattr(box, "TYPE_AHEAD_S", 0)

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        at_once(pilot, "x", "y")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
        await settle(pilot, 2)
        assert isinstance(pilot.app.screen, Confirm)
        assert not asked(engine, "tasks.cancel")
        await pilot.press("y")
        await until(pilot, lambda: bool(asked(engine, "tasks.cancel")), "cancelled")

    play(steps)


def test_a_whole_line_typed_at_once_reaches_the_prompt():
    """Its first key, the word and enter: nothing is lost, and nothing of it is a key of the screen below."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        at_once(pilot, ":", *"peers", "enter")
        await until(pilot, lambda: pilot.app.current_mode == "peers", "gone there")
        assert list(pilot.app._typed) == ["peers"]
        assert not asked(engine, "tasks.cancel")

    play(steps)


def test_words_typed_at_once_are_the_answer():
    """Enter on what waits for words, the words, enter: in that order, whole. None of them is a key of the list."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("G")
        await settle(pilot, 1)
        at_once(pilot, "enter", *"take 2 of yes", "enter")
        await until(pilot, lambda: bool(answers(engine)), "answered")
        await settle(pilot, 1)

        assert [(one.choice, one.text) for one in answers(engine)] == [("", "take 2 of yes")]
        assert pilot.app.current_mode == "inbox"

    play(steps, engine=with_items(), first="inbox")


def test_a_choice_typed_at_once_decides_nothing():
    """Enter, 1, enter in one go: the box is open, nothing is chosen, and no key has acted on the screen below."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        at_once(pilot, "enter", "1", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, AnswerBox), "asked")
        await settle(pilot)
        assert pilot.app.screen.query_one(OptionList).highlighted is None
        assert not answers(engine)
        await pilot.press("2", "enter")
        await until(pilot, lambda: bool(answers(engine)), "answered")

        assert [one.choice for one in answers(engine)] == ["deny"]
        assert pilot.app.current_mode == "inbox"

    play(steps, engine=with_items(), first="inbox")


def test_what_is_typed_behind_the_key_of_a_form_is_in_its_first_field():
    """On the board: a, then a title that holds keys of the board."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        at_once(pilot, "a", *"six big jars")
        await until(
            pilot, lambda: "six big jars" in [one.value for one in pilot.app.screen.query(Input)], "all of it is there"
        )
        assert isinstance(pilot.app.screen, Form)
        assert pilot.app.screen.focused.value == "six big jars"
        assert pilot.app.current_mode == "tasks"

    play(steps)


# ── keys that are typed faster than they are dealt with ────────────────────────────────────────────────────────────────


def after(keys: list[str]) -> str:
    """What a field holds when these were typed into it, one by one."""
    text, at = "", 0
    for key in keys:
        match key:
            case "backspace":
                text, at = text[: max(0, at - 1)] + text[at:], max(0, at - 1)
            case "left":
                at = max(0, at - 1)
            case "home" | "end":
                at = 0 if key == "home" else len(text)
            case _:
                text, at = text[:at] + key + text[at:], at + 1
    return text


@pytest.mark.parametrize("seed", range(3))
def test_a_line_that_is_edited_in_one_go_is_what_was_typed(seed):
    """Letters and the keys that move and delete act in their order, however they come: behind the key that opens the box, and later."""
    chance = random.Random(seed)
    keys = [chance.choice([*"peqxyz123", "backspace", "backspace", "left", "home", "end"]) for _ in range(60)]

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        at_once(pilot, ":", *keys[:30])
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt), "asked")
        field = pilot.app.screen.query_one(Input)
        await until(pilot, lambda: field.value == after(keys[:30]), "as typed with the box")
        at_once(pilot, *keys[30:], "end", "Q")
        await until(pilot, lambda: field.value.endswith("Q"), "all of it")

        assert field.value == after(keys) + "Q"

    play(steps)


def test_what_is_typed_behind_a_tab_is_in_the_next_field():
    """A whole form in one go: each field has its own words, and the portal has lost none of them."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, Form), "the form")
        await settle(pilot, 1)
        at_once(pilot, *"jars", "tab", *"six big", "shift+tab", "end", *"!")
        fields = pilot.app.screen.query("Input, TextArea")
        await until(pilot, lambda: fields.first(Input).value.endswith("!"), "all of it")

        assert [one.value if isinstance(one, Input) else one.text for one in fields][:2] == ["jars!", "six big"]

    play(steps)


def test_a_key_whose_screen_has_gone_keeps_no_other_waiting():
    """A box is closed from elsewhere while keys are on their way through it: those that are typed next act."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt), "asked")
        await settle(pilot, 1)
        at_once(pilot, "left", "home", "left")
        pilot.app.pop_screen()
        at_once(pilot, "3")
        await until(pilot, lambda: pilot.app.current_mode == "peers", "gone there")

    play(steps)


def test_a_one_time_url_is_not_closed_by_what_was_typed_before_it_was_read(monkeypatch):
    """It is shown once: only a key that was typed when it could be read closes it."""
    monkeypatch.setattr(box, "TYPE_AHEAD_S", 3600)

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("u")
        await until(pilot, lambda: isinstance(pilot.app.screen, OneTimeUrl), "shown")
        await settle(pilot, 1)
        await pilot.press("x", "enter", "escape")
        await settle(pilot, 1)
        assert isinstance(pilot.app.screen, OneTimeUrl)
        monkeypatch.setattr(box, "TYPE_AHEAD_S", 0)
        await pilot.press("x")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Box), "closed")

    play(steps, engine=serving(WEB), first="web")


# ── what is closed and what is lost ────────────────────────────────────────────────────────────────────────────────────

FORMS = [
    ("tasks", "a", "#task-title"), ("decide", "n", "#decision-title"), ("ucxl", "n", "#content"), ("collab", "n", "#collab-title"),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "key", "field"), FORMS)
def test_a_form_with_something_typed_is_not_closed_without_a_question(monkeypatch, mode, key, field):
    """Escape asks; a yes that was typed with it is none, no leaves all of it there, yes closes. An untouched form just closes."""
    monkeypatch.setattr(box, "TYPE_AHEAD_S", 0)

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Form) and pilot.app.screen._begun, "open")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Box), "closed at once")
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Form) and pilot.app.screen._begun, "open again")
        form = pilot.app.screen
        place = form.query_one(field)
        place.focus()
        await pilot.press("j")
        at_once(pilot, "escape", "y")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
        await settle(pilot, 1)
        assert "was not sent" in text_of(pilot)
        await pilot.press("n")
        await until(pilot, lambda: pilot.app.screen is form, "back")
        assert (getattr(place, "value", "") or getattr(place, "text", "")).startswith("j")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked again")
        await settle(pilot, 1)
        await pilot.press("y")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Box), "closed")

    play(steps, engine=filled(TextEngine()), first=mode)


@pytest.mark.parametrize(("mode", "key", "field"), FORMS)
def test_the_field_with_the_keys_is_in_view_with_its_label(mode, key, field):
    """At the beginning, at each step of tab, and after the terminal became small: nobody types where nothing is seen."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        def in_view() -> bool:
            form, here = pilot.app.screen, pilot.app.screen.focused
            if not isinstance(here, Input | TextArea | Select):
                return True
            beside = list(here.parent.children)
            label = beside[beside.index(here) - 1]
            view = form.query_one("#fields").scrollable_content_region
            first = here.region.intersection(view)
            return isinstance(label, Label) and label.region in view and first.height >= min(2, here.region.height)

        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Form) and pilot.app.screen._begun, "open")
        await settle(pilot, 2)
        assert in_view(), "at the beginning"
        for step in range(6):
            await pilot.press("tab")
            await until(pilot, in_view, f"tab {step}")
        pilot.app.screen.query_one(field).focus()
        await settle(pilot, 1)
        await pilot.resize_terminal(60, 15)
        await until(pilot, in_view, "small")

    play(steps, engine=filled(TextEngine()), first=mode, size=(80, 24))


@pytest.mark.parametrize("how", ["paste", "clipboard"])
def test_what_is_pasted_into_a_field_breaks_no_frame(how):
    """A direction trick, joined emoji and a loose accent: what can be seen is there, and each line of the form ends at its frame. What was left
    out is told, by its number: two signs, and not the accent, which is there with its letter."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, Form) and pilot.app.screen._begun, "open")
        await settle(pilot, 1)
        text = "e\u0301\u202ednd 👩\u200d🚀 日本"
        if how == "paste":
            pilot.app.post_message(events.Paste(text))
        else:
            pilot.app.copy_to_clipboard(text)
            await pilot.press("ctrl+v")
        field = pilot.app.screen.query_one("#task-title", Input)
        await until(pilot, lambda: bool(field.value), "pasted")
        await settle(pilot, 1)
        assert field.value == "\u00e9dnd 👩🚀 日本"
        told = [note.message for note in pilot.app._notifications]
        assert told == ["2 signs that cannot be seen were left out of what was pasted"]
        strips = pilot.app.screen._compositor.render_strips()
        assert {strip.cell_length for strip in strips} == {80}

    play(steps, size=(80, 24))


# ── the list of keys ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)], ids=["60x15", "80x24", "120x40"])
def test_the_list_of_keys_begins_with_those_of_the_screen(picture, size):
    """What can be done with the task under the cursor stands at the top, at every size; then what leads elsewhere, then the arrows."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        own = [key.words for key in keys_of(pilot.app.screen) if key.group == HERE]
        assert {"Announce", "Cancel"} <= set(own)
        assert "Retry" not in own  # not for a task that runs
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, KeysBox), "shown")
        await settle(pilot)
        shown = text_of(pilot)
        assert "Announce" in shown
        assert "Cancel" in shown
        groups = [key.group for key in pilot.app.screen._keys]
        assert groups == sorted(groups, key=(HERE, EVERYWHERE, MOVING).index)
        picture(pilot.app, f"tasks/keys-{size[0]}x{size[1]}")

    play(steps, size=size)


@pytest.mark.parametrize("key", ["escape", "q", "question_mark"])
def test_the_list_of_keys_closes_and_nothing_else_happens(key):
    """By escape, by q, which does not leave the portal here, and by the key that opened it."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        before = pilot.app.screen
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, KeysBox), "shown")
        await pilot.press(key)
        await until(pilot, lambda: pilot.app.screen is before, "closed")
        await settle(pilot, 1)
        assert pilot.app.is_running

    play(steps)
