"""Erasure among several peers: who may ask, that all follow, those that were away too, and what a newcomer gets."""

from __future__ import annotations

import pytest

from chorus_tui.engine.control.interface import Refused
from chorus_tui.engine.journal.intake import readable
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header
from tests.simulation.engines import Peer, World, until, world
from tests.unit.journal.test_erasure import Reasons, erasing


async def grown(at: World, names: str) -> tuple[list[Peer], dict[str, Reasons]]:
    """A mesh whose peers remember what was said; its master comes first."""
    said: dict[str, Reasons] = {}
    peers = [await at.start(name, extend=lambda peer: listen(peer, said)) for name in names]
    await until("a mesh", lambda: all(len(peer.control.members) == len(names) for peer in peers))
    peers.sort(key=lambda peer: peer.control.members[peer.peer_id].authority != "master")
    return peers, said


def listen(peer: Peer, said: dict[str, Reasons]) -> None:
    """As the engine is built, and a feature with a memory."""
    said[peer.name] = Reasons()
    peer.journal.fold(said[peer.name])
    peer.control.fold(peer.journal.erasures)


async def told(peer: Peer, reason: str, said: dict[str, Reasons]) -> Entry:
    """Said, and heard by all."""
    entry = await peer.journal.say("goodbye", {"reason": reason})
    await until("heard", lambda: all(reason in reasons.said for reasons in said.values()))
    return entry


async def ask(peer: Peer, entry: Entry) -> int:
    """Ask the admin to erase."""
    return await peer.control.request("body_erased", erasing(entry).data)


async def test_its_author_or_a_master_erases_and_nobody_else(autojump_clock):
    """A member asks for its own words; another one is refused; a master may ask for anybody's; all peers follow."""
    async with world(41) as at:
        (master, author, other), said = await grown(at, "abc")
        one, two = await told(author, "one", said), await told(author, "two", said)
        with pytest.raises(Refused, match="its author or a master"):
            await ask(other, one)
        await ask(author, one)
        await ask(master, two)

        for peer in (master, author, other):
            await until(
                "gone", lambda peer=peer: [peer.journal.get(*entry.key).body for entry in (one, two)] == [None, None]
            )
            assert said[peer.name].said == []
            assert (await peer.journal.verify()).ok


async def test_a_peer_that_was_away_erases_when_it_hears_and_a_newcomer_gets_headers(autojump_clock):
    """The one that was away keeps the text no longer than until it knows; the one that comes later never gets it, holds the
    whole chain, and neither asks for the body again and again."""
    async with world(42) as at:
        (master, author, away), said = await grown(at, "abc")
        entry = await told(author, "erased", said)
        images = at.kill(away.name)
        del said[away.name]
        await ask(author, entry)
        await until("gone", lambda: master.journal.get(*entry.key).body is None)
        back = await at.start(away.name, images=images, extend=lambda peer: listen(peer, said))
        fresh = await at.start("d", extend=lambda peer: listen(peer, said))
        later = await told(author, "later", said)

        for peer in (back, fresh):
            await until("knows", lambda peer=peer: peer.journal.get(*entry.key) is not None)
            await until("gone", lambda peer=peer: peer.journal.get(*entry.key).body is None)
            assert peer.journal.get(*later.key) == later
            assert "erased" not in said[peer.name].said
            await until("nothing is asked for", lambda peer=peer: not peer.journal.store.without_body(1))
            assert (await peer.journal.verify()).ok


async def test_a_body_that_one_peer_withholds_comes_from_another(autojump_clock):
    """A header whose body nobody erased is completed by whoever has the body."""
    async with world(43) as at:
        (master, author, third), said = await grown(at, "abc")
        at.network.cut(author.peer_id, third.peer_id)
        at.network.cut(master.peer_id, third.peer_id)
        entry = await author.journal.say("goodbye", {"reason": "withheld"})
        bare = Entry(entry.header, entry.sig, entry.hash, None, None)
        before = author.journal.store.range(author.peer_id, entry.header.epoch, 0, entry.header.seq)

        await third.journal.accept([readable(entry_from_header(*row)) for row in before], author.peer_id)
        await third.journal.accept([readable(bare)], author.peer_id)
        assert third.journal.get(*entry.key).body is None
        at.network.heal()
        at.network.connect_all()
        third.journal.replication.ask_all()

        await until("it came", lambda: third.journal.get(*entry.key).body == entry.body)
        assert said[third.name].said == ["withheld"]
