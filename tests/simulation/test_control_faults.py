"""What goes wrong while the mesh forms or decides costs that attempt, not the peer."""

from __future__ import annotations

import math

import pytest
import trio

from chorus_tui.engine.control import discovery, entries, followers, join
from chorus_tui.engine.control.entries import acknowledge, entry_bytes, vote_for_self
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.control.store import ControlStore, Stored
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.mesh.interface import MeshError, Stream
from chorus_tui.engine.protocol import canonical, identity
from chorus_tui.engine.protocol.canonical import WireError
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import grown


def the_admin(peers: list[Peer]) -> Peer:
    return next(peer for peer in peers if peer.control.is_admin)


async def two_apart(at: World) -> tuple[Peer, Peer]:
    """Two meshes of one that cannot talk; the first is the one that will dissolve."""
    at.network.discovery = False
    left, right = await at.start("left"), await at.start("right")
    at.network.cut(left.peer_id, right.peer_id)
    await until("both founded", lambda: left.control.is_admin and right.control.is_admin)
    return (left, right) if left.control.mesh_id > right.control.mesh_id else (right, left)


@pytest.mark.parametrize("bad", [{"n": "x" * 70_000}, {"n": 2**60}])
async def test_an_act_that_cannot_be_written_costs_only_itself(autojump_clock, bad):
    """It raises; acts proposed beside and after it are committed, and the log has no hole."""
    async with world(20) as at:
        peers = await grown(at, "a", "b")
        admin = the_admin(peers)
        outcomes: list[object] = []

        async def one(data):
            try:
                outcomes.append((await admin.control.propose("note", data)).index)
            except WireError:
                outcomes.append("refused")

        async with trio.open_nursery() as nursery:
            for data in ({"n": 1}, bad, {"n": 2}):
                nursery.start_soon(one, data)
        before = admin.control.commit
        entry = await admin.control.propose("note", {"n": 3})

        assert max(map(str, outcomes)) == "refused"
        assert outcomes.count("refused") == 1
        assert entry.index == before + 1
        await until("followed", lambda: all(peer.control.commit == entry.index for peer in peers))
        assert admin.control.verify()[1] == []


async def test_an_act_that_gossip_cannot_carry_is_fetched(autojump_clock):
    """Text that grows by escaping beyond a message's size still reaches the followers, and control goes on."""
    async with world(21) as at:
        peers = await grown(at, "a", "b")
        entry = await the_admin(peers).control.propose("note", {"text": '"' * 23_000})

        await until("followed", lambda: all(peer.control.commit == entry.index for peer in peers))


async def test_a_mesh_of_one_leads_on_when_joining_another_fails(autojump_clock, monkeypatch):
    """The other mesh vanishes between its answer and its log: the mesh of one stays what it was, and still decides."""
    async with world(22) as at:
        loser, winner = await two_apart(at)

        async def cut(*_: object, **_more: object) -> None:
            at.network.crash(winner.peer_id)
            raise MeshError("the link went away")

        monkeypatch.setattr(discovery, "fetch_new", cut)
        at.network.heal()
        at.network.connect_all()
        await until("the other is gone", lambda: not loser.mesh.links())
        await trio.sleep(10)

        assert loser.control.is_admin
        await loser.control.propose("note", {"n": 1})


async def test_who_waited_to_stand_in_a_mesh_that_was_left_does_not(autojump_clock):
    """A peer has one term and one vote on its disk, those of its present mesh. A tick and a candidacy that wait for the lock while
    it goes into another mesh touch neither, and the peer follows there."""
    async with world(25) as at:
        loser, winner = await two_apart(at)
        old, adopt = loser.control.consensus, loser.control.adopt

        async with trio.open_nursery() as nursery:

            def adopt_while_they_wait(*arguments: object, **more: object) -> None:
                nursery.start_soon(old.campaign, "discovery_failure")
                nursery.start_soon(old.tick)
                adopt(*arguments, **more)

            loser.control.adopt = adopt_while_they_wait
            at.network.heal()
            at.network.connect_all()
            await until("one mesh", lambda: loser.control.mesh_id == winner.control.mesh_id)
        await trio.sleep(30)

        assert loser.control.store.hard_state().term == winner.control.term
        assert loser.control.admin == winner.peer_id


async def test_a_peer_that_may_not_lead_is_not_waited_for(autojump_clock):
    """A newcomer that hears only a copied sole voter, of a smaller peer id, founds: the other never will."""
    async with world(23) as at:
        first = await at.start("first")
        await until("founded", lambda: first.control.is_admin)
        await at.start("gone")
        await until("two members", lambda: len(first.control.members) == 2)
        at.kill("gone")
        left = at.kill("first")
        await at.start("first", images=left, binding="elsewhere")
        newcomer = await at.start("b")

        assert newcomer.peer_id > first.peer_id
        await until("it founds", lambda: newcomer.control.is_admin)


async def test_only_one_person_is_the_first(autojump_clock):
    """Of people who ask at the same moment exactly one becomes master by being the first."""
    async with world(24) as at:
        first = await at.start("agent")
        await until("founded", lambda: first.control.is_admin)
        people = [identity.Identity(bytes([n]) * 32) for n in range(4)]
        async with trio.open_nursery() as nursery:
            for n, person in enumerate(people):
                who = join.Newcomer(person.peer_id, f"h{n}", "human", "", [])
                request = join.make_request(person, first.control.mesh_id, who, "x")
                nursery.start_soon(first.control.discovery._admit, person.peer_id, request)
        members = first.control.members

        assert sorted(members[person.peer_id].authority for person in people) == ["decision"] * 3 + ["master"]


async def test_a_request_asked_twice_at_once_is_one_member(autojump_clock):
    """A newcomer whose request arrives twice is added once and keeps its own name."""
    async with world(25) as at:
        peers = await grown(at, "a", "b")
        admin = the_admin(peers)
        at.network.discovery = False
        new = identity.Identity(bytes(32))
        who = join.Newcomer(new.peer_id, "new", "agent", "", [])
        request = join.make_request(new, admin.control.mesh_id, who, "x")
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(admin.control.discovery._admit, new.peer_id, request)
        added = [line for line in admin.control.export(0, 100) if new.peer_id in line and "member_added" in line]

        assert len(added) == 1
        assert not admin.control.members[new.peer_id].clash


@pytest.mark.parametrize(
    "change", [{"voters": 5}, {"parameters": [1]}, {"founder": {"peer_id": "x", "agent_id": "x", "expertise": 5}}]
)
def test_a_founding_entry_of_nonsense_is_refused(change):
    """Well signed and certified, but with data that are not a founding entry's: a typed refusal, nothing else."""
    evil = identity.Identity(bytes(range(32)))
    founder = {"peer_id": evil.peer_id, "agent_id": "evil"}
    data = {"founder": founder, "voters": [evil.peer_id], "parameters": {}, "nonce": "0"} | change
    raw = entry_bytes(mesh_id=None, term=1, index=1, prev=None, hlc="0", type_=entries.FOUNDED, data=data, request=None)
    mesh_id = canonical.sha256_hex(raw)
    item = {"entry": raw.decode(), "sig": evil.sign(identity.CONTROL, raw)}
    votes = [vote_for_self(evil, mesh_id, 1, Position(0, 0)).as_json()]

    with pytest.raises(WireError):
        Log(mesh_id).admit([item], votes, acknowledge(evil, mesh_id, 1, 1, mesh_id).as_json())


async def test_a_mesh_that_does_not_name_us_is_not_ours(autojump_clock, monkeypatch):
    """An admin that says "joined" but whose log lacks us leaves nothing behind: not as the present mesh, not on disk."""
    async with world(27) as at:
        loser, winner = await two_apart(at)
        own = loser.control.mesh_id

        async def lie(_peer: str, _request: object) -> dict[str, str]:
            return {"kind": "joined", "mesh_id": winner.control.mesh_id}

        monkeypatch.setattr(winner.control.discovery, "_admit", lie)
        at.network.heal()
        at.network.connect_all()
        await trio.sleep(20)

        assert loser.control.mesh_id == own
        assert loser.control.store.current_mesh() == own
        assert loser.control.is_admin or loser.control.discovery.joining


async def test_a_name_that_is_none_is_refused(autojump_clock):
    """An agent id outside ``[a-z0-9][a-z0-9._-]{0,62}`` (a terminal's escape, say) is never admitted."""
    async with world(28) as at:
        first = await at.start("agent")
        await until("founded", lambda: first.control.is_admin)
        new = identity.Identity(bytes(32))
        request = join.make_request(
            new, first.control.mesh_id, join.Newcomer(new.peer_id, "a\x1b[2J", "agent", "", []), "x"
        )

        with pytest.raises(WireError):
            await first.control.discovery._admit(new.peer_id, request)


async def test_a_voter_whose_disk_refused_an_election_starts_again_with_it(autojump_clock, monkeypatch):
    """The votes that made a new admin are refused by a voter's disk once. They come again with the next try, and stand on the disk
    with the entries of that term: a voter that goes down before these are decided can be started again, and follows."""
    async with world(26) as at:
        peers = await grown(at, "a", "b", "c")
        await until("its voters", lambda: all(len(peer.control.voters) == 3 for peer in peers))
        admin = the_admin(peers)
        voter, other = (peer for peer in peers if peer is not admin)
        keep, refused, open_ = ControlStore.keep, [], []

        async def keep_what_is_open(store: ControlStore, stored: Stored) -> None:
            if store is voter.control.store:
                if stored.commit is not None or (stored.elections and not refused):
                    refused.append(stored)
                    raise StoreError("The disk is full")
                open_.extend(stored.entries)
            await keep(store, stored)

        with monkeypatch.context() as patched:
            patched.setattr(ControlStore, "keep", keep_what_is_open)
            # The other one stands; the voter is shown the votes with the first entry of its term.
            patched.setattr(voter.control.consensus.core, "tick", lambda _now: None)
            at.kill(admin.name)
            await until("another leads", lambda: other.control.is_admin)
            await until("stored, not decided", lambda: open_)
            images = at.kill(voter.name)

        assert refused[0].elections
        again = await at.start(voter.name, images=images)
        await other.control.propose("note", {"n": 2})
        await until("followed again", lambda: again.control.commit == other.control.commit)


async def test_a_log_that_names_its_elections_at_the_end_is_taken(autojump_clock, monkeypatch):
    """As members of an earlier version show it; what makes up too much of it is left."""
    async with world(28) as at:
        peers = await grown(at, "a", "b")
        admin = the_admin(peers)
        other = next(peer for peer in peers if peer is not admin)

        async def send_pages(stream: Stream, mesh_id: str, after: int) -> None:
            page = [
                {"entry": raw.decode(), "sig": sig} for raw, sig in admin.control.store.raw_after(mesh_id, after, 64)
            ]
            await stream.send(canonical.encode_frame({"kind": "entries", "entries": page}))

        monkeypatch.setattr(admin.control.following, "_send_pages", send_pages)
        taken, stored = await followers.fetch_new(other.control.following, admin.peer_id, admin.control.mesh_id)
        assert (taken.index, len(stored.entries)) == (admin.control.commit, admin.control.commit)

        for bound in ("MOST_UNCHECKED", "MOST_BYTES"):
            with monkeypatch.context() as patched:
                patched.setattr(followers, bound, 100)
                with pytest.raises(WireError, match="too long"):
                    await followers.fetch_new(other.control.following, admin.peer_id, admin.control.mesh_id)


@pytest.mark.parametrize("how", ["never ends", "says the same again", "makes it up"])
async def test_a_member_that_shows_no_log_costs_nobody_another_s(autojump_clock, monkeypatch, how):
    """A member is asked for what is missing and sends nothing, the same page for ever, or entries that nobody signed. It is left after
    a moment, with nothing kept of it, and what another member sends is taken meanwhile."""
    async with world(27) as at:
        peers = await grown(at, "a", "b", "c")
        admin = the_admin(peers)
        other, bad = (peer for peer in peers if peer is not admin)
        pages = 0

        async def send_pages(stream: Stream, mesh_id: str, _after: int) -> None:
            nonlocal pages
            raw, good = next(iter(admin.control.store.raw_after(mesh_id, 0, 1)))
            entry = {"entry": raw.decode(), "sig": "0" * 128 if how == "makes it up" else good}
            elections = [election.as_json() for election in admin.control.store.elections(mesh_id)]
            while True:
                await trio.sleep(math.inf if how == "never ends" else 0.1)
                await stream.send(
                    canonical.encode_frame({"kind": "entries", "entries": [entry], "elections": elections})
                )
                pages += 1

        monkeypatch.setattr(bad.control.following, "_send_pages", send_pages)
        newcomer = Log(admin.control.mesh_id)
        with pytest.raises((WireError, trio.TooSlowError)):
            await other.control.following.fetch(bad.peer_id, newcomer, admit=None)
        assert pages <= 2

        other.control.following.fetch_soon(bad.peer_id)

        async def hears_nothing(*_: object) -> None:
            """It is to be fetched."""

        monkeypatch.setattr(other.control.consensus, "receive", hears_nothing)
        monkeypatch.setattr(other.control.following, "_take", hears_nothing)
        await admin.control.propose("note", {"n": 1})
        before = trio.current_time()
        other.control.following.fetch_soon(admin.peer_id)
        await until("fetched", lambda: other.control.commit == admin.control.commit)
        assert trio.current_time() - before < 5.0


async def test_a_disk_that_refuses_what_was_fetched_ends_nothing(autojump_clock, monkeypatch):
    """A member that missed decisions fetches them, and its disk refuses once: it fetches them again, and has them."""
    async with world(29) as at:
        peers = await grown(at, "a", "b", "c", "d")
        await until("voters", lambda: all(len(peer.control.voters) == 3 for peer in peers))
        admin = the_admin(peers)
        victim = next(peer for peer in peers if peer.peer_id not in admin.control.voters)
        at.network.isolate(victim.peer_id)
        for n in range(3):
            await admin.control.propose("note", {"n": n})
        keep, refused = victim.control.store.keep, []

        async def refuses_once(stored: Stored) -> None:
            if not refused:
                refused.append(stored)
                raise StoreError("The disk is full")
            await keep(stored)

        monkeypatch.setattr(victim.control.store, "keep", refuses_once)
        at.network.heal()
        at.network.connect_all()

        await until("it has them", lambda: refused and victim.control.commit == admin.control.commit)
