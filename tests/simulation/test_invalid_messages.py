"""A member says something of each type that is not of its kind: it harms nobody, and its feed goes on."""

from __future__ import annotations

import pytest

from chorus_tui.engine.protocol import canonical, envelope, messages, topics
from chorus_tui.engine.protocol.messages.base import MessageType
from tests.simulation.engines import Peer, World, until, world
from tests.unit.protocol.misfits import misfit

DURABLE = [(name, row) for name, row in messages.TYPES.items() if row.durable]
FLEETING = [(name, row) for name, row in messages.TYPES.items() if not row.durable]


class Ear:
    """A feature that takes every type, and so would notice what reaches it."""

    types = frozenset(messages.TYPES)

    def __init__(self) -> None:
        self.heard: list[str] = []

    def apply(self, entry, _message) -> None:
        self.heard.append(entry.hash)

    def reset(self) -> None:
        self.heard.clear()


def topic_of(row: MessageType) -> str:
    return row.topic or f"{row.family}somewhere/v1"


async def two(at: World) -> tuple[Peer, Peer, Ear]:
    ear = Ear()
    liar = await at.start("liar")
    honest = await at.start("honest", extend=lambda peer: peer.journal.fold(ear))
    await until("a mesh", lambda: all(len(peer.control.members) == 2 for peer in at.peers.values()))
    await until("heard of each other", lambda: ear.heard)
    return liar, honest, ear


async def send(liar: Peer, honest: Peer, topic: str, raw: bytes) -> None:
    """Past the liar's own checks."""
    for peer in (liar, honest):
        await peer.mesh.join(topic)
    await liar.mesh.publish(topic, raw)


@pytest.mark.parametrize(("name", "row"), DURABLE, ids=[name for name, _ in DURABLE])
async def test_a_kept_message_of_the_wrong_kind_is_stored_as_unreadable(name, row, autojump_clock):
    """Signed, chained and gossiped, but its data do not fit: it is counted and stored with the reason, under the original's log
    type, no feature gets it, and the next message of its author is taken as ever."""
    async with world(61) as at:
        liar, honest, ear = await two(at)
        topic, data = topic_of(row), misfit(row)
        said = (
            envelope.make_raw(liar.peer_id, {"type": "discussion", **data}, 1_800_000_000.0)
            if row.raw
            else envelope.make(name, liar.peer_id, data, 1_800_000_000.0)
        )
        epoch = "c" * 32
        bad = envelope.seal(said, topic, liar.identity, epoch=epoch, seq=0, prev=None, hlc="1800000000000:0:x")
        good = envelope.seal(
            envelope.make("goodbye", liar.peer_id, {"reason": "all the same"}, 1_800_000_000.0), topics.COORDINATION,
            liar.identity, epoch=epoch, seq=1, prev=bad.hash, hlc="1800000000001:0:x",
        )  # fmt: skip
        before = honest.mesh.counters.refused.get("bad_data", 0)
        await send(liar, honest, topic, bad.wire())
        await send(liar, honest, topics.COORDINATION, good.wire())

        await until("both are held", lambda: honest.journal.get(*good.key) is not None)
        assert honest.mesh.counters.refused["bad_data"] == before + 1
        (problem,) = [why for entry, why in honest.journal.store.of_types({name}) if entry.hash == bad.hash]
        assert problem.startswith(f"{name}: ")
        assert messages.log_type(name) == row.log_type
        assert good.hash in ear.heard
        assert bad.hash not in ear.heard
        assert (await honest.journal.verify()).ok


@pytest.mark.parametrize(("name", "row"), FLEETING, ids=[name for name, _ in FLEETING])
async def test_a_fleeting_message_of_the_wrong_kind_is_refused_and_counted(name, row, autojump_clock):
    """It reaches nobody, and is in no log."""
    async with world(62) as at:
        liar, honest, _ = await two(at)
        before = honest.mesh.counters.refused.get("bad_data", 0)
        raw = canonical.encode(envelope.make(name, liar.peer_id, misfit(row), 1_800_000_000.0))
        heard = [one for one in honest.journal._fleeting.lines if one.type == name]
        await send(liar, honest, topic_of(row), raw)
        await until("counted", lambda: honest.mesh.counters.refused.get("bad_data", 0) == before + 1)
        assert [one for one in honest.journal._fleeting.lines if one.type == name][: len(heard)] == heard


@pytest.mark.parametrize("name", ["hmmm_message", "goodbye"])
async def test_a_message_in_the_form_of_another_type_is_refused(name, autojump_clock):
    """A room's message in an envelope, an enveloped type raw: neither is forwarded."""
    async with world(63) as at:
        liar, honest, _ = await two(at)
        row = messages.TYPES[name]
        said = (
            envelope.make(name, liar.peer_id, {}, 1_800_000_000.0)
            if row.raw
            else envelope.make_raw(liar.peer_id, {"type": "goodbye"}, 1_800_000_000.0)
        )
        topic = topic_of(row)
        entry = envelope.seal(said, topic, liar.identity, epoch="d" * 32, seq=0, prev=None, hlc="1800000000000:0:x")
        reason = "bad_envelope" if row.raw else "wrong_topic"
        before = honest.mesh.counters.refused.get(reason, 0)
        await send(liar, honest, topic, entry.wire())
        await until("refused", lambda: honest.mesh.counters.refused.get(reason, 0) == before + 1)
        assert honest.journal.get(*entry.key) is None
