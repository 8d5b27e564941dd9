"""Members that lie, and old words said again: what no honest peer does and none may be led astray by."""

from __future__ import annotations

import trio

from chorus_tui.engine.control.entries import acknowledge, entry_bytes, parse_entry, vote_for_self
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.protocol import envelope, identity, messages
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.simulation.dice import Dice
from chorus_tui.engine.simulation.peer import Peer
from chorus_tui.engine.simulation.world import World

REPEATED = 20
"""How many old messages are said again at once."""


async def fork(world: World, dice: Dice, _number: int) -> None:
    """A peer signs another entry under a number that it has used, and is started anew some time later.

    Until then others may hold its other branch, so that nothing it says in this epoch reaches them.
    """
    peer = _liar(world, dice)
    entry = _old_entry(peer, dice) if peer else None
    if peer is None or entry is None:
        return
    h = entry.header
    world.invariants.forks((h.author, h.epoch), h.seq)
    told = envelope.make("goodbye", h.author, {"reason": "another story"}, peer.clock.wall())
    topic = str(messages.TYPES["goodbye"].topic)
    twin = envelope.seal(told, topic, peer.identity, epoch=h.epoch, seq=h.seq, prev=h.prev, hlc=h.hlc)
    world.say(f"⚡ forks its feed at {h.epoch[:6]}/{h.seq}", peer.name)
    peer.do(_publish, peer, topic, twin.wire())
    await trio.sleep(dice.between(3, 15))
    if peer.alive:
        world.say("is started anew after its fork", peer.name)
        world.crash(peer.name)
        await world.start(peer.name)


async def forged(world: World, dice: Dice, _number: int) -> None:
    """A member that may not decide alone writes a decision, with votes and acknowledgements of its own."""
    peer = _liar(world, dice)
    log = peer.control.log if peer else None
    if peer is None or log is None or log.head is None or log.roster.voters.peers == (peer.peer_id,):
        return
    term, index = log.term + round(dice.between(0, 1)), log.index + 1
    data = {"task_id": "0" * 26, "reason": "forged"}
    raw = entry_bytes(
        mesh_id=log.mesh_id, term=term, index=index, prev=log.head, hlc=peer.control.hlc(), type_="task_cancelled", data=data,
        request=None,
    )  # fmt: skip
    entry = parse_entry(raw, peer.identity.sign(identity.CONTROL, raw), peer.peer_id)
    last = Position(log.index, log.term)
    said = {
        "mesh_id": log.mesh_id, "term": term, "commit": index, "head": entry.hash,
        "entries": [{"entry": raw.decode(), "sig": entry.sig}],
        "certificate": acknowledge(peer.identity, log.mesh_id, term, index, entry.hash).as_json(),
        "election": vote_for_self(peer.identity, log.mesh_id, term, last).as_json(),
    }  # fmt: skip
    world.say(f"⚡ forges entry {index} of term {term}", peer.name)
    world.invariants.forged.add(entry.hash)
    peer.do(peer.journal.whisper, "control_entries", said)
    await trio.lowlevel.checkpoint()


async def stale(world: World, dice: Dice, _number: int) -> None:
    """A peer says old messages of everybody again, as if they were new."""
    peer = _liar(world, dice)
    old = list(world.network.published)
    if peer is None or not old:
        return
    world.say("⚡ says old messages again", peer.name)
    for _ in range(min(REPEATED, len(old))):
        peer.mesh.repeat(old[int(dice.between(0, len(old) - 0.001))])
        await trio.sleep(dice.between(0.0, 0.3))
        if not peer.alive:
            return


def _liar(world: World, dice: Dice) -> Peer | None:
    names = [peer.name for peer in world.running() if peer.nursery is not None]
    return world.peers[dice.one(names)] if names else None


def _old_entry(peer: Peer, dice: Dice) -> Entry | None:
    """Some entry of the peer's present epoch."""
    newest = peer.journal.store.last_own(peer.peer_id)
    if newest is None:
        return None
    seq = int(dice.between(0, newest.header.seq + 0.999))
    return peer.journal.get(peer.peer_id, newest.header.epoch, seq)


async def _publish(peer: Peer, topic: str, raw: bytes) -> None:
    await peer.mesh.join(topic)
    await peer.mesh.publish(topic, raw)
