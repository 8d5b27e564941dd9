"""Which store this peer votes from: one it founded with, one it joined with, or another than the one that was a voter.

A store is bound to its machine and file. One that was copied, restored or moved may have forgotten votes that it gave, so it
is another incarnation: it decides nothing until the admin has made it a voter anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.entries import acknowledge, entry_bytes, parse_entry, vote_for_self
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.control.raft_ready import HardState
from chorus_tui.engine.control.store import ControlStore, Stored
from chorus_tui.engine.control.voters import Seat
from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.identity import Identity

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService

log = structlog.get_logger("chorus.control.seating")

GATHER_S = 5.0
"""After the first member's log: how long others may show a longer one."""
RESTORED = "This control log was copied or restored from another place, so it must not decide anything: the original may have gone on. "
ALONE = "It is the only voter, so it goes on as soon as another member has shown what was decided meanwhile"
ANEW = "It follows, and votes again when the admin has made it a voter anew"


async def seat_of(control: ControlService, loaded: Log) -> Seat:
    """The seat of the store that holds ``loaded``, the present mesh's log."""
    me, store, binding = control.me.peer_id, control.store, control.settings.binding
    incarnation = store.incarnation()
    if store.bound_to() == binding and incarnation:
        return Seat(me, incarnation)
    voters = loaded.roster.voters
    held = [seat for seat in voters.everyone if seat.peer_id == me]
    if store.bound_to() == binding and held:  # bound before stores had incarnations
        seat = held[0]
    else:
        seat = Seat(me, control.entropy.bytes(8).hex())
        if held:
            sole = voters.peers == (me,)
            control.obstacle = RESTORED + (ALONE if sole else ANEW)
            log.error("⚠️ Not voting", reason=control.obstacle)
            if sole:
                return seat
    await store.keep(Stored(loaded.mesh_id, seat=(binding, seat.incarnation)))
    return seat


async def resume(control: ControlService) -> None:
    """A sole voter with another store has nobody to make it a voter anew: it first takes the longest certified log that a
    member in reach holds, then goes on from there. A mesh of one has nobody to ask."""
    consensus = control.consensus
    me = control.me.peer_id
    if not control.obstacle or consensus is None or consensus.log.roster.voters.peers != (me,):
        return
    if len(consensus.log.roster.members) > 1:
        await control.following.shown.wait()
        await trio.sleep(GATHER_S)
    async with control.lock:
        if control.consensus is not consensus:
            return
        voters = consensus.log.roster.voters
        if voters.peers != (me,):
            # What was shown says that others became voters after this store was copied: they decide.
            await control.store.keep(
                Stored(consensus.mesh_id, seat=(control.settings.binding, consensus.seat.incarnation))
            )
            control.obstacle = RESTORED + ANEW if me in voters.peers else ""
            control.changed()
            return
        (seat,) = voters.seats
        hard = HardState(max(control.store.hard_state().term, consensus.log.term), None)
        await control.store.keep(
            Stored(consensus.mesh_id, hard=hard, seat=(control.settings.binding, seat.incarnation))
        )
        control.resume_as(seat)
    if control.consensus is not None:
        await control.consensus.campaign("discovery_failure")


async def found(
    me: Identity, store: ControlStore, hlc: Callable[[], str], founder: dict[str, Any], parameters: dict[str, Any],
    nonce: str, bind_to: str, refounds: dict[str, Any] | None = None,
) -> tuple[Log, ControlEntry, Seat]:  # fmt: skip
    """On disk on return. ``nonce`` makes the mesh id unique and names the founder's store among its voters."""
    data = {"founder": founder, "voters": [me.peer_id], "parameters": parameters, "nonce": nonce}
    if refounds is not None:
        data["refounds"] = refounds
    raw = entry_bytes(
        mesh_id=None, term=1, index=1, prev=None, hlc=hlc(), type_=entries.FOUNDED, data=data, request=None
    )
    entry = parse_entry(raw, me.sign(identity.CONTROL, raw), me.peer_id)
    election = vote_for_self(me, entry.mesh_id, 1, Position(0, 0))
    commit = acknowledge(me, entry.mesh_id, 1, 1, entry.hash)
    hard = HardState(1, me.peer_id)
    await store.keep(Stored(entry.mesh_id, [entry], [election], commit, hard, current=True, seat=(bind_to, nonce)))
    log = Log(entry.mesh_id, elections={1: election})
    log.extend(entry)
    return log, entry, Seat(me.peer_id, nonce)
