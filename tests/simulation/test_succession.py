"""Whom members follow out of a mesh, and who keeps nobody from it."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.control import raft_wire
from chorus_tui.engine.control.entries import entry_bytes
from chorus_tui.engine.control.raft_messages import AppendReply
from chorus_tui.engine.control.raft_wire import Frame
from chorus_tui.engine.control.store import SCHEMA, ControlStore
from chorus_tui.engine.journal.database import InlineDatabase
from chorus_tui.engine.mesh.interface import Stream
from chorus_tui.engine.protocol import canonical, identity
from chorus_tui.engine.protocol.identity import Identity
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_merging import leader, master


async def grown(at: World, names: str) -> list[Peer]:
    """A mesh in which all of them vote."""
    for name in names:
        await at.start(name)
    await until("all vote", lambda: all(len(peer.control.voters) == len(names) for peer in at.peers.values()))
    return list(at.peers.values())


@pytest.mark.parametrize("led_s", [30, 650])
async def test_an_admin_that_stops_leading_for_a_moment_follows_nobody(led_s, autojump_clock, monkeypatch):
    """However long it led: it was not without an admin all that time. A voter that may only work has founded the mesh anew, and makes
    the admin step down by naming a newer term."""
    async with world(18) as at:
        peers = await grown(at, "abcde")
        admin = leader(peers)
        liar = next(peer for peer in peers if peer is not admin)
        old_id, seat = admin.control.mesh_id, liar.control.consensus.seat
        await trio.sleep(led_s)
        monkeypatch.setattr(liar.control, "admin_reachable", lambda: False)
        await liar.control.merging.refound()
        said = Frame(old_id, seat.incarnation, AppendReply(admin.control.term + 1, False, 0))
        await admin.control._receive(liar.peer_id, raft_wire.encode(said))
        await trio.sleep(60)

        assert admin.control.mesh_id == old_id


def first_by_id(names: str) -> int:
    """A seed with which the first of these has the smallest peer id."""

    def id_of(name: str, seed: int) -> str:
        return Identity(SeededEntropy(f"identity {seed} {name}").bytes(32)).peer_id

    return next(seed for seed in range(100, 200) if min(names, key=lambda name: id_of(name, seed)) == names[0])


@pytest.mark.parametrize("how", ["names it", "names it not", "without an end"])
async def test_a_liar_keeps_nobody_from_following_a_master(how, autojump_clock, monkeypatch):
    """A master has founded the mesh anew, after half of it was gone. A member that also has, and is asked first, says that it admits
    and shows a log without the newcomer, or one that does not end: the master is followed within minutes."""
    async with world(first_by_id("abcde")) as at:
        for name in "bcde":  # so that the liar is no master
            await at.start(name)
        await until("a mesh", lambda: all(len(peer.control.members) == 4 for peer in at.peers.values()))
        peers = [*at.peers.values(), await at.start("a")]
        await until("all vote", lambda: all(len(peer.control.voters) == 5 for peer in peers))
        chief = master(peers)
        liar = at.peers["a"]
        victim, *gone = (peer for peer in peers if peer not in (chief, liar))
        monkeypatch.setattr(liar.control, "admin_reachable", lambda: False)
        bad = await liar.control.merging.refound()
        if how == "names it not":

            async def only_says(*_: object) -> dict[str, Any]:
                return {"kind": "joined", "mesh_id": bad}

            monkeypatch.setattr(liar.control.discovery, "_add", only_says)
        if how == "without an end":
            monkeypatch.setattr(liar.control.following, "_send_pages", without_an_end(liar))
        for peer in gone:
            at.kill(peer.name)
        await until("no admin", lambda: chief.control.state == "no_admin")
        good = await chief.control.merging.refound()

        await until("it follows the master", lambda: victim.control.mesh_id == good, 600)


def without_an_end(liar: Peer) -> Any:
    """Its log, and then one good entry after the other, each just in time."""
    real = liar.control.following._send_pages

    async def send(stream: Stream, mesh_id: str, after: int) -> None:
        await real(stream, mesh_id, after)
        log = liar.control.log
        index, head = log.index, log.head
        elections = [election.as_json() for election in liar.control.store.elections(mesh_id)]
        while True:
            await trio.sleep(14)
            index += 1
            raw = entry_bytes(
                mesh_id=mesh_id, term=1, index=index, prev=head, hlc="0", type_="note", data={"x": "y" * 60_000}, request=None
            )  # fmt: skip
            head = canonical.sha256_hex(raw)
            page = [{"entry": raw.decode(), "sig": liar.identity.sign(identity.CONTROL, raw)}]
            await stream.send(canonical.encode_frame({"kind": "entries", "entries": page, "elections": elections}))

    return send


class Earlier:
    """A store that shows one mesh as it was when this was made."""

    def __init__(self, peer: Peer, mesh_id: str) -> None:
        self._then = ControlStore(InlineDatabase(SCHEMA, peer.databases[1].image()))
        self._now, self._mesh_id = peer.control.store, mesh_id

    def __getattr__(self, name: str) -> Any:
        def of(mesh_id: str, *more: Any) -> Any:
            return getattr(self._then if mesh_id == self._mesh_id else self._now, name)(mesh_id, *more)

        return of if name in ("commit", "raw_after", "elections", "load") else getattr(self._now, name)


async def test_an_older_showing_of_a_lost_mesh_takes_nothing_back(autojump_clock, monkeypatch):
    """Who followed into a mesh founded anew fetches the rest of the old log, and is shown it by a member as it was before: what was
    decided since stays decided."""
    async with world(12) as at:
        peers = await grown(at, "abcdefg")
        chief = master(peers)
        liar, victim, *gone = sorted((peer for peer in peers if peer is not chief), key=lambda peer: peer.name)
        old_id = chief.control.mesh_id
        earlier = Earlier(liar, old_id)
        await leader(peers).control.propose("note", {"n": 1})
        before = leader(peers).control.commit
        await until("decided", lambda: all(peer.control.commit == before for peer in peers))
        for peer in gone:
            at.kill(peer.name)
        await until("no admin", lambda: chief.control.state == "no_admin")
        monkeypatch.setattr(liar.control, "store", earlier)
        new_id = await chief.control.merging.refound()
        await until("followed", lambda: victim.control.mesh_id == liar.control.mesh_id == new_id)

        await until("all of it is here", lambda: old_id in victim.control.closed, 300)
        assert victim.control.store.commit(old_id).index == before
