"""The rooms' screen and its wizard: how they look, and that each key does what it says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.widgets import DataTable, Input, OptionList, TextArea

from chorus_tui.contract.models import hmmm
from chorus_tui.contract.problem import invalid
from chorus_tui.screens.hmmm_draft import Draft
from tests.ui.fake_engine import NOW, FakeEngine
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.rooms import filled, line, thread
from tests.ui.test_look import text_of


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", ["filled", "empty", "failing"])
def test_the_screen_looks_as_it_should(picture, size, world):
    """Filled with an escalation on top, empty with what to do next, and while the engine is out of reach."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        if world == "failing":
            engine.connect_state("lost")
        await settle(pilot)
        picture(pilot.app, f"hmmm/{world}-{size}")

    play(
        steps,
        engine=FakeEngine(empty=True) if world == "empty" else filled(FakeEngine()),
        first="hmmm",
        size=SIZES[size],
    )


@pytest.mark.parametrize("size", SIZES)
def test_the_wizards_preview_looks_as_it_should(picture, size):
    """The last step: the words as others will read them, and the command line that says the same."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await compose_proposal(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        picture(pilot.app, f"hmmm/preview-{size}")

    play(steps, engine=filled(FakeEngine()), first="hmmm", size=SIZES[size])


async def compose_proposal(pilot: Any) -> None:
    """By keys alone, from the empty wizard to its recipients."""
    await pilot.press("n")
    await settle(pilot)
    await pilot.press("down", "down", "down", "enter")
    await settle(pilot)
    pilot.app.screen.query_one("#room", Input).value = "shop"
    pilot.app.screen.query_one("#thread", Input).value = ""
    await pilot.press("enter", "enter")
    await settle(pilot)
    await pilot.press(*"Test it")
    await pilot.press("ctrl+n")
    await pilot.press(*"reviewer")
    await settle(pilot)


def test_the_key_is_called_sending_only_where_it_sends():
    """Before the preview its hint says preview, and there that nothing was sent yet; what is not whole is not offered to be sent."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("n")
        await settle(pilot)
        wizard = pilot.app.screen
        assert "ctrl+s preview" in text_of(pilot)
        assert "ctrl+s send" not in text_of(pilot)
        await pilot.press("ctrl+s")
        await until(
            pilot, lambda: "Not sent yet: mend what is told below first." in text_of(pilot), "told that it is not whole"
        )
        wizard.query_one("#room").value, wizard.query_one("#text").text = "shop", "Let us begin."
        wizard.query_one("#reasoning").text, wizard.query_one("#thread").value = "It is time.", "t1"
        await pilot.press("ctrl+b", "ctrl+s")
        await until(pilot, lambda: "Not sent yet: ctrl+s sends it." in text_of(pilot), "told that it is not sent")
        assert "ctrl+s send" in text_of(pilot)
        assert not [name for name, _ in engine.calls if name.startswith("hmmm.") and name.endswith(("send", "propose"))]

    play(steps, engine=filled(FakeEngine()), first="hmmm")


def test_a_proposal_is_composed_and_sent_after_its_preview():
    """ctrl+s shows the preview first; the second one sends, and the screen follows to the thread."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await compose_proposal(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "hmmm.propose" not in [name for name, _ in engine.calls]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.screen.__class__.__name__ == "HmmmScreen", "the wizard closes")
        [sent] = [request for name, request in engine.calls if name == "hmmm.propose"]

        assert (sent.issue_id, sent.thread_id, sent.message, sent.to_roles) == ("shop", "", "Test it", ["reviewer"])

    play(steps, engine=filled(FakeEngine()), first="hmmm")


def test_nothing_typed_is_lost_when_the_engine_refuses_or_is_gone_or_the_wizard_is_closed():
    """A fault leads to its step; what was typed is there, also when the wizard is opened again."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems["hmmm.propose"] = invalid({"to_roles": "no other member has the role reviewer"})
        await compose_proposal(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        wizard = pilot.app.screen
        assert "roles: no other member has the role reviewer" in str(wizard.query_one("#problem").render())
        assert wizard.focused is wizard.query_one("#roles")
        assert wizard.query_one("#text", TextArea).text == "Test it"

        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert pilot.app.screen.query_one("#text", TextArea).text == "Test it"
        assert pilot.app.screen.query_one("#roles", Input).value == "reviewer"

    play(steps, engine=filled(FakeEngine()), first="hmmm")


def test_a_reply_that_was_closed_waits_at_its_message_and_takes_nothing_from_a_new_word():
    """Each is there again under its own key; neither takes the place of the other."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        async def opened(key: str) -> TextArea:
            await pilot.press(key)
            await until(pilot, lambda: bool(pilot.app.screen.query("#text")), "open")
            await settle(pilot, 1)
            return pilot.app.screen.query_one("#text", TextArea)

        pilot.app.screen.query_one("#talk", OptionList).highlighted = 0
        for key, words in (("n", "a new word"), ("r", "a reply")):
            (await opened(key)).text = words
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen.__class__.__name__ == "HmmmScreen", "closed")
        for key, words in (("n", "a new word"), ("r", "a reply")):
            assert (await opened(key)).text == words
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen.__class__.__name__ == "HmmmScreen", "closed again")

    play(steps, engine=filled(FakeEngine()), first="hmmm")


def test_objecting_and_answering_ask_for_words():
    """Key o on a proposal asks for the reason; w answers what waits for a person."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        pilot.app.screen.query_one("#talk", OptionList).highlighted = 0
        await pilot.press("o")
        await settle(pilot)
        await pilot.press(*"too soon", "enter")
        await settle(pilot)
        await pilot.press("w")
        await settle(pilot)
        await pilot.press(*"go on", "enter")
        await settle(pilot)
        asked = {name: request for name, request in engine.calls if name in ("hmmm.object", "hmmm.answer")}

        assert asked["hmmm.object"].reason == "too soon"
        assert asked["hmmm.answer"] == hmmm.AnswerEscalation(issue_id="shop", thread_id="t1", message="go on")

    play(steps, engine=filled(FakeEngine()), first="hmmm")


def test_the_cursor_stays_on_its_message_whatever_others_say():
    """A reply that comes in above it, and one at the end, move nothing under the person's hand; what is agreed with is asked first, in its
    own words."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        before = [line(n, 0, "discussion", f"word {n}") for n in range(3)]
        meant = line(7, 1, "proposal", "Delete the backups of last year")
        engine.rooms = {"shop/t1": thread("t1", [*before, meant])}
        engine.say("threads", "shop/t1", engine.rooms["shop/t1"].row.model_dump(mode="json"))
        await until(pilot, lambda: "Delete the backups" in text_of(pilot), "the proposal is shown")
        talk = pilot.app.screen.query_one("#talk", OptionList)
        talk.focus()
        await pilot.pause()
        talk.highlighted = 3
        sly = line(8, 2, "proposal", "Delete the database too", depth=1)
        engine.rooms = {
            "shop/t1": thread("t1", [before[0], sly, *before[1:], meant, line(9, 2, "proposal", "And all the rest")])
        }
        engine.say("threads", "shop/t1", engine.rooms["shop/t1"].row.model_dump(mode="json"))
        await until(pilot, lambda: "the database too" in text_of(pilot), "others have spoken")
        assert talk.highlighted == 4
        await pilot.press("a")
        await until(pilot, lambda: "Agree: proposal of grace?" in text_of(pilot), "asked")
        assert "hmmm.agree" not in [name for name, _ in engine.calls]
        await settle(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "hmmm.agree" in [name for name, _ in engine.calls], "agreed")
        [asked] = [request for name, request in engine.calls if name == "hmmm.agree"]

        assert asked.msg_id == meant.msg_id

    play(steps, engine=filled(FakeEngine()), first="hmmm")


def test_a_template_fills_the_wizard():
    """Chosen by its name; a file that is none is told."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        template = hmmm.Template(name="risk", kind="query", intent="risk", message="What could go wrong with this?")
        engine.templates = hmmm.Templates(templates=[template], faults={"old.json": "name: Field required"})
        await pilot.press("n")
        await settle(pilot)
        pilot.app.screen.query_one("#template").value = "risk"
        await settle(pilot)

        assert pilot.app.screen.query_one("#text", TextArea).text == "What could go wrong with this?"
        assert pilot.app.screen.draft.kind == "query"
        assert "old.json: name: Field required" in str(pilot.app.screen.query_one("#template-faults").render())

    play(steps, engine=filled(FakeEngine()), first="hmmm")


def test_a_lost_engine_loses_no_words():
    """Sending fails with what to do; the words stay."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await compose_proposal(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        engine.gone = True
        await pilot.press("ctrl+s")
        await settle(pilot)

        assert "Nothing is lost" in str(pilot.app.screen.query_one("#problem").render())

    play(steps, engine=filled(FakeEngine()), first="hmmm")


def test_a_draft_knows_what_is_missing_and_its_command_line():
    """Each kind its own request; a reasoning gives its reason; quoting is a shell's."""
    draft = Draft("reasoning", "shop", "", text="it's slow")

    assert draft.check() == {"reasoning": "is needed: say why you think so"}
    draft.reasoning, draft.roles = "measured", "dev, ops"
    assert draft.check() == {}
    assert draft.command().startswith(
        """chorus-tui hmmm send shop 'it'"'"'s slow' --reasoning measured --to-role dev --to-role ops"""
    )
    assert set(Draft("reply", text="x").check()) == {"msg_id"}
    assert set(Draft("proposal").check()) == {"issue_id", "message"}


@pytest.mark.parametrize("size", SIZES)
def test_the_wizards_recipients_look_as_they_should(picture, size):
    """Who is addressed, who can read it, and how urgent it is, all to be seen at once."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await compose_proposal(pilot)
        picture(pilot.app, f"hmmm/recipients-{size}")

    play(steps, engine=filled(FakeEngine()), first="hmmm", size=SIZES[size])


class Slow(FakeEngine):
    """Takes its time to tell a thread, once it is ``slow``."""

    slow = False

    async def call(self, operation: str, request: Any = None) -> Any:
        if operation == "hmmm.show" and self.slow:
            await asyncio.sleep(5)
        return await super().call(operation, request)


def test_the_open_conversation_stays_with_its_keys_when_another_thread_gets_a_word():
    """The list is sorted anew around it: the conversation, its cursor and the focus are as they were."""

    async def steps(pilot: Any, engine: Slow) -> None:
        screen = pilot.app.screen
        rows, talk = screen.query_one("#threads", DataTable), screen.query_one("#talk", OptionList)
        rows.move_cursor(row=2)
        await until(pilot, lambda: talk.option_count == 2, "the agreed one is open")
        talk.focus()
        engine.slow = True
        row = engine.rooms["shop/t3"].row.model_copy(update={"last_at": NOW + 60, "escalated": True})
        engine.say("threads", row.key, row.model_dump(mode="json"))
        await until(pilot, lambda: next(iter(rows.rows)).value == "shop/t3", "sorted anew")
        await settle(pilot, 1)
        assert (talk.display, talk.has_focus, talk.option_count) == (True, True, 2)

    play(steps, engine=filled(Slow()), first="hmmm")
