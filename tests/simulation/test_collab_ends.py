"""How a shared text ends: by whom, once, with what, and what comes after it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import trio

from chorus_tui.contract.problem import Problem
from chorus_tui.contract.text_edit import Edit
from chorus_tui.contract.ucxl import parse
from chorus_tui.engine.collab import update
from chorus_tui.engine.collab.book import Update
from chorus_tui.engine.collab.document import Document
from tests.simulation.atelier import atelier
from tests.simulation.engines import until

ADDRESS = "ucxl://ana:author@shop:plan/*^/text.md"


async def test_what_comes_after_the_end_is_kept_and_told_and_not_in_its_text(tmp_path, autojump_clock):
    """A peer that is cut off goes on typing after the end: everywhere the text of the end is the same, and the late words are told."""
    async with atelier(5, tmp_path, ("ana", "ben"), {"cem": None}) as made:
        session = await made.new("ana", text="the plan")
        ben = await made.join("ben", session)
        made.at.network.isolate(made.at.peers["ben"].peer_id)
        await made.end("ana", session, "nothing")
        ben.type(" and more")
        assert (await ben.sync()).took
        await trio.sleep(3)
        made.at.network.heal()
        await until("the late words are told", lambda: all(
            len(service.book.session(session).updates) == 2 for service in made.services.values()
        ))  # fmt: skip
        await until(
            "the end is known", lambda: made.services["ben"].texts.end(made.services["ben"].book.session(session))
        )
        assert {await made.text(name, session) for name in made.services} == {"the plan"}
        assert {(await made.view(name, session)).late for name in made.services} == {1}
        with pytest.raises(Problem, match="has ended"):
            await made.edit("ben", session, at=0, insert="x")


async def test_two_calls_of_the_end_make_one_thing_and_anothers_end_is_told(tmp_path, autojump_clock):
    """While the content is made, a second call is refused and makes nothing; when another ends it meanwhile, that counts, and what
    was made is told."""
    async with atelier(15, tmp_path, ("ana", "ben"), {}) as made:
        puts = made.places.put

        async def slowly(*args: Any, **fields: Any) -> Any:
            counted.append(args)
            await trio.sleep(3)
            return await puts(*args, **fields)

        made.places.put = slowly  # type: ignore[method-assign]
        counted: list[Any] = []
        told: list[str] = []

        async def end(name: str, outcome: str, after: float) -> None:
            await trio.sleep(after)
            try:
                await made.end(name, session, outcome, address=ADDRESS)
            except Problem as problem:
                told.append(str(problem))

        session = await made.new("ben", text="once")
        await made.known(session, "ana")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end, "ben", "ucxl", 0.0)
            nursery.start_soon(end, "ben", "ucxl", 0.1)
        assert len(counted) == 1
        assert [problem for problem in told if "being ended" in problem] == told
        assert len(told) == 1
        assert len(made.services["ben"].book.session(session).endings) == 1

        told.clear()
        session = await made.new("ben", text="twice")
        await made.known(session, "ana")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end, "ben", "ucxl", 0.0)
            nursery.start_soon(end, "ana", "nothing", 0.5)
        assert len(made.services["ben"].book.session(session).endings) == 1
        [problem] = told
        assert "ana ended it meanwhile" in problem
        assert ADDRESS in problem


async def test_what_began_with_an_old_version_ends_at_its_place_and_a_long_patch_is_refused_before(
    tmp_path, autojump_clock
):
    """The address that is kept names the place, so that no other one has to be given; a text that no patch can hold is told with
    the limit, and no patch is made."""
    async with atelier(16, tmp_path, ("ana",), {}) as made:
        await made.places.put(parse(ADDRESS), b"before")
        session = await made.new("ana", base=ADDRESS.replace("*^", "*~2"))
        assert (await made.view("ana", session)).base == ADDRESS
        for _ in range(3):
            await made.edit("ana", session, at=-1, insert="x" * 200_000)
        with pytest.raises(Problem, match="at most 600000 characters"):
            await made.end("ana", session, "patch")
        assert made.patches == []
        await made.edit("ana", session, at=0, delete=10)
        await made.end("ana", session, "patch")
        assert [address for address, _, _ in made.patches] == [ADDRESS]


async def test_a_former_master_ends_nothing_and_nobodys_end_takes_the_place_of_the_owners(tmp_path, autojump_clock):
    """A master's end holds while it is one; once it is none, the text goes on everywhere, also where it is shown; what the owner has
    ended no master ends otherwise, however early its word says it is."""
    async with atelier(10, tmp_path, ("ana", "ben"), {}) as made:
        session = await made.new("ana", text="the plan")
        await made.join("ben", session)
        await made.grant("ben", authority="master")
        await made.end("ben", session, "nothing")
        shown = {name: service.texts for name, service in made.services.items()}
        book = {name: service.book for name, service in made.services.items()}
        await until("ended", lambda: all(shown[name].end(book[name].session(session)) for name in shown))
        await made.grant("ben", authority="suggestion")
        await until("it goes on", lambda: not any(shown[name].end(book[name].session(session)) for name in shown))
        await made.edit("ana", session, at=-1, insert=", and more")
        assert await made.all_equal(session, lambda text: text == "the plan, and more")
        await made.end("ana", session, "nothing")

        await made.grant("ben", authority="master")
        empty = {"session": session, "outcome": "nothing", "covers": {}, "text_hash": "0" * 64}
        await made.at.peers["ben"].journal.say("collab_ended", empty)
        for there in book.values():
            await until("both are known", lambda there=there: len(there.session(session).endings) == 3)
        assert {await made.text(name, session) for name in made.services} == {"the plan, and more"}


async def test_what_is_sealed_is_neither_begun_with_nor_written_over_in_clear(tmp_path, autojump_clock):
    """A sealed document becomes no shared text, which everybody reads; where one is no session ends, neither as content nor as a
    patch, also when it was sealed after the session began with it. It ends elsewhere, or as nothing."""
    async with atelier(12, tmp_path, ("ana",), {}) as made:
        place = parse(ADDRESS).place
        made.places.content[place] = b"was open"
        session = await made.new("ana", base=ADDRESS)
        made.places.content[place] = b"is a secret now"
        made.places.sealed.add(place)
        with pytest.raises(Problem, match="sealed"):
            await made.new("ana", base=ADDRESS)
        assert len(made.services["ana"].views.rows("all", 9)) == 1
        for fields in ({"outcome": "ucxl"}, {"outcome": "patch"}, {"outcome": "ucxl", "address": ADDRESS}):
            with pytest.raises(Problem, match="sealed") as caught:
                await made.end("ana", session, **fields)
            assert caught.value.status == 409
        assert made.places.content[place] == b"is a secret now"
        await made.end("ana", session, "ucxl", address=ADDRESS.replace("text.md", "other.md"))


async def test_a_text_with_more_starts_than_an_end_can_name_has_snapshots_and_ends(tmp_path, autojump_clock):
    """A writer whose engine was started 800 times: what can be named is in the snapshot, made once, and in the text of the end, and
    what the others wrote is all in it."""
    async with atelier(14, tmp_path, ("ana", "ben"), {}) as made:
        session, writer = await made.new("ana", text="ana's own. "), made.at.peers["ben"].peer_id
        here = made.services["ana"]
        book, texts = here.book.session(session), here.texts
        often, raws = Document(update.client_of(writer, bytes(4))), {}
        for n in range(800):
            key = (writer, f"{n:032x}", 0)
            raws[key] = often.write([Edit(n, 0, "x")], str).updates[0]
            book.updates[key] = Update(writer, writer, (key,), len(raws[key]), n)
        book.changes += 1
        read = texts._read
        texts._read = lambda one: raws.get(one.last) or read(one)  # type: ignore[method-assign]
        here.presence.stay(session)
        assert "x" * 800 in await made.text("ana", session)
        await until("a snapshot", lambda: book.snapshots)
        await trio.sleep(10)
        [snapshot] = book.snapshots.values()
        assert len(snapshot.said.covers) == 512
        await made.end("ana", session, "nothing")
        text = await made.text("ana", session)
        assert (text.count("x"), "ana's own. " in text) == (511, True)
        [end] = book.endings.values()
        assert end.said.text_hash == hashlib.sha256(text.encode()).hexdigest()
