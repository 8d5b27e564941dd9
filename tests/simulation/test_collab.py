"""Shared texts among several peers: through cuts, for late joiners, to the end and after it."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from chorus_tui.contract.models import collab as models
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.text_edit import Edit
from chorus_tui.engine.collab import rules, update
from chorus_tui.engine.collab.document import Document
from chorus_tui.engine.collab.heard import Typed
from chorus_tui.engine.protocol import topics
from tests.simulation.atelier import atelier
from tests.simulation.engines import until

ADDRESS = "ucxl://ana:author@shop:plan/*^/text.md"


def helpful(material: dict[str, Any]) -> dict[str, Any] | None:
    """Makes the heading a title, and tries something that is not there."""
    edits = [{"find": "heading", "replace": "Heading"}, {"find": "nowhere", "replace": "x"}]
    return {"say": "Done", "edits": edits} if "heading" in material["text"] else {"say": "Nothing to do", "edits": []}


async def test_two_people_and_an_agent_edit_one_text_through_cuts(tmp_path, autojump_clock):
    """Each types while cut off from the others, the agent edits when it is asked; all end with the same text, with every word in it;
    it becomes content under an address, made from its entries alone."""
    async with atelier(1, tmp_path, ("ana", "ben"), {"cem": helpful, "dee": None}) as made:
        session = await made.new("ana", text="heading\n\n", invited=["ben", "cem"])
        ana, ben = await made.join("ana", session), await made.join("ben", session)
        await made.known(session, "cem")
        for round_ in range(4):
            made.at.network.isolate(made.at.peers["ben"].peer_id)
            ana.type(f"ana {round_}\n")
            ben.type(f"ben {round_}\n", at=0)
            await ana.sync()
            await ben.sync()
            await trio.sleep(3)
            made.at.network.heal()
            ana.type("nearly")
            await ana.sync()
            ana.delete(str(ana).index("nearly"), len("nearly"))
            await ana.sync()
            await trio.sleep(1)
        await made.chat("ben", session, "@cem make it a title, please")
        text = await made.all_equal(session, lambda text: "Heading" in text)

        assert all(f"{name} {n}" in text for n in range(4) for name in ("ana", "ben"))
        assert "nearly" not in text
        [word] = [line for line in (await made.view("ana", session)).chat if line.author_name == "cem"]
        assert "1 of 2 edits made" in word.text
        assert "nowhere" in word.text

        await made.end("ana", session, "ucxl", address=ADDRESS)
        (content,) = made.places.content.values()
        await until("ended everywhere", lambda: all(
            service.texts.end(service.book.session(session)) for service in made.services.values()
        ))  # fmt: skip
        assert {await made.text(name, session) for name in made.services} == {content.decode()} == {text}


async def test_what_is_typed_is_elsewhere_at_once_and_durable_within_two_seconds(tmp_path, autojump_clock):
    """A key is on another's screen in far less than it takes to be saved; it is saved at most 2 s later, in one entry for many keys."""
    async with atelier(2, tmp_path, ("ana", "ben"), {}) as made:
        session = await made.new("ana")
        ana, ben = await made.join("ana", session), await made.join("ben", session)
        await trio.sleep(2)
        for letter in "quickly":
            ana.type(letter)
            await ana.sync()
            await trio.sleep(0.1)
        await trio.sleep(0.3)
        await ben.sync()
        assert str(ben) == "quickly"
        assert made.services["ana"].book.session(session).updates == {}

        await trio.sleep(2.5)
        assert len(made.services["ben"].book.session(session).updates) == 1
        assert (await made.view("ana", session)).saved


async def test_a_late_joiner_sees_it_all_with_the_owner_gone_from_entries_and_from_a_snapshot(tmp_path, autojump_clock):
    """Who comes when the owner is gone for good has the whole text; so has one that can only have a snapshot and what follows it."""
    async with atelier(3, tmp_path, ("ana", "ben"), {"cem": None}) as made:
        session = await made.new("ana", text="begun by ana\n")
        ben = await made.join("ben", session)
        for n in range(rules.SNAPSHOT_UPDATES + 5):
            ben.type(f"{n} ")
            await ben.sync()
            await made.services["ben"].texts.save(made.services["ben"].texts.live[session])
        here = made.services["ben"].book.session(session)
        await until("a snapshot", lambda: here.snapshots)
        await ben.sync()
        text = str(ben)
        assert "begun by ana" in text
        made.kill("ana")
        await made.start("eve", kind="human")
        await until("eve has all", lambda: session in made.services["eve"].book.sessions and len(
            made.services["eve"].book.session(session).updates
        ) == len(here.updates), 300)  # fmt: skip
        assert await made.text("eve", session) == text
        assert not (await made.view("eve", session)).incomplete

        # As if the first entries could not be had any more.
        lost = made.services["cem"]
        there = lost.book.session(session)
        await until("cem has all", lambda: len(there.updates) == len(here.updates) and there.snapshots, 300)
        for key in sorted(
            (key for key in there.updates if key[0] == made.at.peers["ben"].peer_id), key=lambda key: key[2]
        )[:50]:
            del there.updates[key]
        there.changes += 1
        read = lost.texts._read_here
        lost.texts._read_here = lambda of: dict.fromkeys(read(of), 1)  # type: ignore[method-assign]
        lost.texts.live.clear()
        assert await made.text("cem", session) == text
        assert (await made.view("cem", session)).incomplete


async def test_who_is_not_invited_writes_nothing_and_an_end_is_for_owner_and_master(tmp_path, autojump_clock):
    """An update by a peer that was not invited counts nowhere, until it is invited; a stranger to the session cannot end it."""
    async with atelier(4, tmp_path, ("ana", "ben"), {"cem": None}) as made:
        session = await made.new("ben", text="by invitation", invited=["ana"])
        await made.known(session, "cem", "ana")
        with pytest.raises(Problem, match="has not invited"):
            await made.edit("cem", session, at=0, insert="rude ")
        cem = made.services["cem"]
        live = await cem.texts.open(cem.book.session(session))
        cem.texts.keep(live, *live.document.write(models_edit("rude "), str).updates)
        await trio.sleep(40)
        assert {await made.text(name, session) for name in ("ana", "ben")} == {"by invitation"}
        with pytest.raises(Problem, match="can end it, or a master"):
            await made.end("cem", session, "nothing")

        await made.services["ben"].operations.invite(models.InviteToCollab(session=session, invited=["cem"]), None)
        assert sorted(await made.all_equal(session, lambda text: "rude" in text)) == sorted("rude by invitation")
        master = next(
            name
            for name in ("ana", "ben")
            if made.at.peers[name].control.members[made.at.peers[name].peer_id].authority == "master"
        )
        await made.end(master, session, "nothing")


def models_edit(text: str) -> list[Any]:
    return [Edit(0, 0, text)]


async def test_a_restart_loses_nothing_saved_and_uses_a_new_client_id(tmp_path, autojump_clock):
    """A crash of the engine: what was saved is there; what others heard and the crash took is not written over, and what is written
    next stands beside it on every peer."""
    async with atelier(6, tmp_path, ("ana", "ben"), {}) as made:
        session = await made.new("ana", text="one ")
        ben = await made.join("ben", session)
        await made.edit("ana", session, at=-1, insert="two ")
        await trio.sleep(2)
        ana = made.services["ana"]
        ana.presence.stay(session)
        await ana.operations.write(ana.book.session(session), [models.TextEdit(at=-1, insert="heard ")])
        await trio.sleep(0.2)
        images = made.kill("ana")
        await ben.sync()
        assert "heard" in str(ben)
        await made.start("ana", kind="human", images=images)
        await made.known(session, "ana")
        await made.edit("ana", session, at=-1, insert="three")
        text = await made.all_equal(session, lambda text: "three" in text)
        assert text.startswith("one two ")
        assert "heard" in text
        ben.type(" built on it", at=str(ben).encode().index(b"heard") + 3)
        await ben.sync()
        assert "hea built on itrd" in await made.all_equal(session, lambda text: "built" in text)


async def test_a_secret_typed_letter_by_letter_is_taken_out_when_it_is_complete(tmp_path, autojump_clock):
    """The marker stands in its place everywhere, the typist is told, and the whole secret is in no entry."""
    async with atelier(7, tmp_path, ("ana", "ben"), {}) as made:
        session = await made.new("ana")
        ana = await made.join("ana", session)
        found = []
        for letter in "it is hunter2hunter2 ok":
            ana.type(letter)
            found.append((await ana.sync()).redacted)
        text = await made.all_equal(session, lambda text: "ok" in text)
        assert text.startswith("it is [REDACTED:own-secret:")
        assert str(ana) == text
        assert found.count(True) == 1
        entries = [made.at.peers["ben"].journal.get(*key) for key in made.services["ben"].book.session(session).updates]
        assert all(b"hunter2hunter2" not in (entry.body or b"") for entry in entries)


async def test_an_agent_answers_people_and_no_agents(tmp_path, autojump_clock):
    """Two agents that are told of each other in every answer say one word each, not one more."""
    chatty = lambda _material: {"say": "@cem @dee what do you think?", "edits": []}  # noqa: E731 - short here
    async with atelier(8, tmp_path, ("ana",), {"cem": chatty, "dee": chatty}) as made:
        session = await made.new("ana", text="x", invited=["cem", "dee"])
        await made.known(session, "cem", "dee")
        await made.chat("ana", session, "@cem @dee say something")
        await trio.sleep(120)
        assert {name: voice.asked for name, voice in made.voices.items()} == {"cem": 1, "dee": 1}
        assert len((await made.view("ana", session)).chat) == 3


async def test_an_invitation_waits_in_the_inbox_until_it_is_answered(tmp_path, autojump_clock):
    """It is there for whom it is for, once; declined, it is gone, and everybody sees so."""
    async with atelier(9, tmp_path, ("ana", "ben"), {"cem": None}) as made:
        session = await made.new("ana", invited=["ben"])
        await made.known(session, "ben", "cem")
        inbox = made.services["ben"].inbox
        [item] = inbox.waiting()
        assert [made.services[name].inbox.waiting() for name in ("ana", "cem")] == [[], []]
        assert await inbox.answer(item, "decline", "", None) == "Declined"
        assert inbox.waiting() == []
        await trio.sleep(5)
        [ben] = [one for one in (await made.view("ana", session)).participants if one.name == "ben"]
        assert ben.answered == "declined"


def own_entries(made: Any, name: str, session: str) -> list[Any]:
    """Updates that a peer has said, also such as nobody can use."""
    found = made.services[name].book.session(session).updates.values()
    return [one for one in found if one.author == made.at.peers[name].peer_id]


async def test_words_of_the_dead_with_a_hole_in_them_are_said_once_by_each_that_heard_them(tmp_path, autojump_clock):
    """Of three words of a peer that died, one heard the first and the last, another the one between: each says what it heard, once,
    and all have all three."""
    async with atelier(10, tmp_path, ("ana", "ben"), {"cem": None}) as made:
        session = await made.new("ana", text="")
        await made.join("ben", session)
        await made.join("cem", session)
        dead = made.at.peers["ana"].peer_id
        typist = Document(update.client_of(dead, b"dead"))
        words = [
            raw
            for text in ("one ", "two ", "three")
            for raw in typist.write([Edit(len(typist.text), 0, text)], str).updates
        ]
        made.kill("ana")
        for name, heard in (("ben", (0, 2)), ("cem", (1,))):
            service = made.services[name]
            live = await service.texts.open(service.book.session(session))
            service.presence.stay(session)
            for number in heard:
                service.texts.hear(live, dead, words[number])
        for _ in range(12):
            await trio.sleep(5)
            for name in ("ben", "cem"):
                made.services[name].presence.stay(session)
        assert await made.all_equal(session, bool) == "one two three"
        assert {name: len(own_entries(made, name, session)) for name in ("ben", "cem")} == {"ben": 2, "cem": 1}
        assert [service.texts.live[session].heard.authors() for service in made.services.values()] == [[], []]


async def test_own_words_and_those_of_the_dead_in_several_pieces_each_do_not_mix(tmp_path, autojump_clock):
    """Both are saved at the same time: each makes one whole update."""
    async with atelier(11, tmp_path, ("ana", "ben"), {}) as made:
        session = await made.new("ana", text="")
        ben = made.services["ben"]
        await made.join("ben", session)
        dead = made.at.peers["ana"].peer_id
        raws = [
            raw
            for step in range(3)
            for raw in Document(update.client_of(dead, bytes([9, 9, 9, step])))
            .write([Edit(0, 0, "d" * 30_000)], str)
            .updates
        ]
        live = await ben.texts.open(ben.book.session(session))
        for raw in raws:
            ben.texts.hear(live, dead, raw)
        ben.texts.keep(live, *live.document.write([Edit(0, 0, "o" * 60_000)], str).updates)
        live.heard._of[dead] = [Typed(-100.0, one.update, one.shape) for one in live.heard._of[dead]]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ben.texts.save, live)
            nursery.start_soon(ben.texts.save_for, live, 0)
        assert live.outbox.saved
        found = {one.writer: len(one.keys) for one in own_entries(made, "ben", session)}
        assert found == {made.at.peers["ben"].peer_id: 2, dead: 3}


async def test_a_caller_that_goes_away_takes_no_words_with_it(tmp_path, autojump_clock):
    """A long edit makes several updates; the call is cancelled while the first is told: all of them reach the others."""
    async with atelier(12, tmp_path, ("ana", "ben"), {}) as made:
        session = await made.new("ana", text="begun ")
        await made.join("ana", session)
        await trio.sleep(2)
        ana = made.services["ana"]
        live = await ana.texts.open(ana.book.session(session))
        with trio.CancelScope() as scope:
            scope.cancel()
            await ana.operations._write(ana.book.session(session), live, [models.TextEdit(at=-1, insert="x" * 200_000)])
        assert scope.cancelled_caught
        text = await made.all_equal(session, lambda text: "x" in text)
        assert len(text) == 200_006


async def test_an_agent_answers_a_word_once_through_a_restart_and_an_erasure(tmp_path, autojump_clock):
    """Its fold begins anew, then its engine starts anew: it hears the word again, and neither asks its model nor edits again."""

    def eager(material: dict[str, Any]) -> dict[str, Any]:
        quiet = "nothing" in material["asked"]["text"]
        return {"say": "", "edits": []} if quiet else {"say": "Done", "edits": [{"find": "", "replace": "+"}]}

    async with atelier(13, tmp_path, ("ana",), {"cem": eager}) as made:
        session = await made.new("ana", text="x", invited=["cem"])
        await made.known(session, "cem")
        await made.chat("ana", session, "@cem once, please")
        await made.all_equal(session, lambda text: text == "x+")
        await until("it has said so", lambda: len(made.services["ana"].book.session(session).chat) == 2)
        await trio.sleep(3)
        await made.chat("ana", session, "@cem nothing, please")
        await until("asked", lambda: made.voices["cem"].asked == 2)
        book = made.services["cem"].book
        known = list(book.session(session).chat.values())
        for word in known:
            book.on_word(book.session(session), word)
        await trio.sleep(10)
        assert made.voices["cem"].asked == 2
        images = made.kill("cem")
        await made.start("cem", eager, images=images)
        await made.known(session, "cem")
        await trio.sleep(30)
        await made.chat("ana", session, "@cem again, please")
        assert await made.all_equal(session, lambda text: text.count("+") > 1) == "x++"


async def test_an_agent_says_why_its_edits_were_not_made_and_goes_on(tmp_path, autojump_clock):
    """What it would write is longer than a text may be: it says so, and answers the next word."""
    wordy = lambda _material: {"say": "Done", "edits": [{"find": "", "replace": "y" * 8_000}]}  # noqa: E731 - short here
    async with atelier(14, tmp_path, ("ana",), {"cem": wordy}) as made:
        session = await made.new("ana", text="x" * 200_000, invited=["cem"])
        for _ in range(4):
            await made.edit("ana", session, at=-1, insert="x" * 211_000)
        await made.known(session, "cem")
        for asked in (1, 2):
            await made.chat("ana", session, "@cem longer, please")
            await until("answered", lambda n=asked: len(made.services["ana"].book.session(session).chat) == 2 * n)  # type: ignore[misc]
        [_, word, *_] = (await made.view("ana", session)).chat
        assert "Not made: a shared text has at most" in word.text


async def test_an_agent_does_nothing_for_those_that_may_not_write(tmp_path, autojump_clock):
    """Neither for a person who was not invited nor for one who may only read now, however they say it; for one who may it does."""
    async with atelier(11, tmp_path, ("ana", "ben", "eve"), {"cem": helpful}) as made:
        session = await made.new("ana", text="heading", invited=["ben", "cem"])
        await made.known(session, "cem", "ben", "eve")
        await made.grant("ben", authority="read_only")
        for name in ("ben", "eve"):
            word = {"session": session, "text": "@cem make it a title"}
            await made.at.peers[name].journal.say("collab_chat", word, topic=topics.collab(session))
        await until("cem has heard", lambda: len(made.services["cem"].book.session(session).chat) == 2)
        await trio.sleep(10)
        assert made.voices["cem"].asked == 0
        await made.chat("ana", session, "@cem make it a title")
        await made.all_equal(session, lambda text: text == "Heading")


async def test_what_is_written_by_one_who_may_only_read_counts_nowhere(tmp_path, autojump_clock):
    """Also in a text that is open to all, while it is typed and when it is saved, until it is granted more."""
    async with atelier(13, tmp_path, ("ana", "ben"), {"cem": None}) as made:
        session, reader = await made.new("ana", text="for all"), made.at.peers["cem"].peer_id
        await made.known(session, "ben", "cem")
        for service in made.services.values():  # as if it had been admitted to read only
            service.grants.proposed.discard(reader)
            service.grants.changes += 1
        cem = made.services["cem"]
        live = await cem.texts.open(cem.book.session(session))
        cem.presence.stay(session)
        await cem.operations._spread(
            cem.book.session(session), live, live.document.write(models_edit("rude "), str).updates
        )
        await until(
            "it is saved", lambda: all(len(one.book.session(session).updates) == 2 for one in made.services.values())
        )
        assert {await made.text(name, session) for name in ("ana", "ben")} == {"for all"}
        await made.grant("cem", authority="suggestion")
        assert "rude" in await made.all_equal(session, lambda text: "rude" in text)
