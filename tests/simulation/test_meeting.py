"""However peers start, they end in one mesh with one admin, and what was decided stays decided."""

from __future__ import annotations

import pytest
import trio
from structlog.testing import capture_logs

from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.peers.service import Load, PeerService, Self
from tests.simulation.engines import Peer, World, until, world


def one_mesh(peers: list[Peer]) -> bool:
    """All follow the same mesh and admin, and list each other."""
    ids = {peer.peer_id for peer in peers}
    return (
        len({(peer.control.mesh_id, peer.control.admin) for peer in peers}) == 1
        and all(peer.control.mesh_id and peer.control.admin_reachable() and set(peer.control.members) >= ids for peer in peers)
    )  # fmt: skip


async def grown(at: World, *names: str) -> list[Peer]:
    peers = [await at.start(name) for name in names]
    await until("one mesh", lambda: one_mesh(peers))
    return peers


@pytest.mark.parametrize("seed", range(6))
async def test_all_started_at_once_end_as_one_mesh(autojump_clock, seed):
    """Two to five peers started together, nobody told of anybody: one mesh, exactly one admin."""
    async with world(seed) as at:
        peers = [await at.start(f"p{n}") for n in range(2 + seed % 4)]
        await until("one mesh", lambda: one_mesh(peers))

        assert sum(peer.control.is_admin for peer in peers) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_meshes_of_one_dissolve_into_each_other(autojump_clock, seed):
    """Two peers that founded apart, each a mesh of one, become one mesh when they meet: that with the smaller id."""
    async with world(seed) as at:
        at.network.discovery = False
        left, right = await at.start("left"), await at.start("right")
        at.network.cut(left.peer_id, right.peer_id)
        await until("both founded", lambda: left.control.is_admin and right.control.is_admin)
        smaller = min(left.control.mesh_id, right.control.mesh_id)
        at.network.heal()
        at.network.connect_all()
        await until("one mesh", lambda: one_mesh([left, right]))

        assert left.control.mesh_id == smaller


async def test_a_late_peer_has_the_whole_log(autojump_clock):
    """A newcomer's control log is, line by line, that of the admin; both verify."""
    async with world(1) as at:
        first, second = await grown(at, "first", "second")
        for n in range(300):
            await (first if first.control.is_admin else second).control.propose("note", {"n": n})
        late = await at.start("late")
        await until(
            "it follows", lambda: one_mesh([first, second, late]) and late.control.commit == first.control.commit
        )

        assert late.control.export(0, 1000) == first.control.export(0, 1000)
        assert late.control.verify()[1] == first.control.verify()[1] == []


async def test_who_asks_for_as_long_as_nobody_leads_fills_no_log(autojump_clock):
    """A newcomer asks twice a second; each member logs once what it answered."""
    async with world(3) as at:
        peers = await grown(at, "a", "b", "c")
        gone = next(peer for peer in peers if peer.control.is_admin)
        one = next(peer for peer in peers if peer is not gone)
        for peer in peers:
            if peer is not one:
                at.kill(peer.name)
        await until("no admin, said", lambda: one.control.state == "no_admin")
        with capture_logs() as said:
            late = await at.start("late")
            await trio.sleep(60)
        answers = [line for line in said if "WHOAMI" in line["event"] and line["peer"] == late.peer_id]

        assert (one.control.admin, late.control.mesh_id) == (gone.peer_id, None)
        assert [line["mesh_id"] for line in answers] == [one.control.mesh_id]


async def test_the_admin_comes_back_in_a_higher_term(autojump_clock):
    """A restarted sole voter leads again in a higher term; followers saw "no admin" in between and follow it again."""
    async with world(2) as at:
        peers = await grown(at, "a", "b", "c")
        admin = next(peer for peer in peers if peer.control.is_admin)
        others = [peer for peer in peers if peer is not admin]
        term, before = admin.control.term, admin.control.export(0, 1000)
        left = at.kill(admin.name)
        await until("no admin, said", lambda: all(peer.control.state == "no_admin" for peer in others))
        back = await at.start(admin.name, images=left)
        await until("followed again", lambda: one_mesh([back, *others]))

        assert back.control.term > term
        assert back.control.export(0, 1000)[: len(before)] == before


async def test_a_follower_catches_up_after_a_restart(autojump_clock):
    """What was decided while it was away is there when it is back."""
    async with world(3) as at:
        peers = await grown(at, "a", "b")
        follower = next(peer for peer in peers if not peer.control.is_admin)
        admin = next(peer for peer in peers if peer.control.is_admin)
        left = at.kill(follower.name)
        for n in range(5):
            await admin.control.propose("note", {"n": n})
        back = await at.start(follower.name, images=left)
        await until("caught up", lambda: back.control.commit == admin.control.commit)

        assert back.control.export(0, 100) == admin.control.export(0, 100)


async def test_a_restored_sole_voter_takes_up_what_others_hold(autojump_clock):
    """An old backup of the only voter, on another machine or as another file, decides nothing and says why, until a member
    has shown what was decided after the backup; then it goes on from there."""
    async with world(4) as at:
        peers = await grown(at, "a", "b")
        admin = next(peer for peer in peers if peer.control.is_admin)
        other = next(peer for peer in peers if peer is not admin)
        backup = (admin.databases[0].image(), admin.databases[1].image())
        newest = (await admin.control.propose("note", {"n": 1})).index
        await until("followed", lambda: other.control.commit == newest)
        at.kill(admin.name)
        at.network.cut(admin.peer_id, other.peer_id)
        copy = await at.start(admin.name, images=backup, binding="elsewhere")
        await trio.sleep(30)
        assert not copy.control.is_admin
        assert "copied or restored" in copy.control.detail

        at.network.heal()
        at.network.connect_all()
        await until("it leads again", lambda: copy.control.is_admin)
        assert copy.control.commit > newest
        await until("followed again", lambda: other.control.commit == copy.control.commit)
        assert copy.control.export(0, 100) == other.control.export(0, 100)


@pytest.mark.parametrize("gone", [False, True])
async def test_a_restored_sole_voter_learns_that_others_vote_by_now(autojump_clock, gone):
    """The backup is from when it voted alone: it follows those who vote now, decides nothing before they made it a voter anew,
    and does so too when it is none of them any more."""
    async with world(9) as at:
        first = await at.start("a")
        await until("founded", lambda: first.control.is_admin)
        other = await at.start("b")
        await until("one mesh", lambda: one_mesh([first, other]))
        backup = (first.databases[0].image(), first.databases[1].image())
        rest = [other, await at.start("c"), await at.start("d")]
        await until("three voters", lambda: all(len(peer.control.voters) == 3 for peer in rest))
        at.kill("a")
        await until("another admin", lambda: any(peer.control.is_admin for peer in rest))
        if gone:
            await until("replaced", lambda: first.peer_id not in rest[0].control.voters)
        copy = await at.start("a", images=backup, binding="elsewhere")
        assert "copied or restored" in copy.control.detail
        await until("it may vote, or need not", lambda: copy.control.obstacle == "")
        admin = next(peer for peer in rest if peer.control.is_admin)
        await until("followed", lambda: copy.control.commit == admin.control.commit)

        assert copy.control.export(0, 100) == admin.control.export(0, 100)
        seats = copy.control.log.roster.voters.seats
        assert (copy.control.consensus.seat in seats) == (first.peer_id in copy.control.voters)


async def test_told_of_others_it_founds_nothing(autojump_clock):
    """With bootstrap peers set and none in reach a peer keeps trying and says so."""
    async with world(5) as at:
        alone = await at.start("alone", bootstrap=("/ip4/127.0.0.1/tcp/1",))
        await trio.sleep(60)

        assert alone.control.mesh_id is None
        assert "bootstrap" in alone.control.detail


async def test_two_founded_meshes_do_not_merge_by_themselves(autojump_clock):
    """Two meshes of two that meet stay two, and both say so."""
    async with world(6) as at:
        at.network.discovery = False
        left = [await at.start(name) for name in ("a", "b")]
        right = [await at.start(name) for name in ("c", "d")]
        at.network.partition([peer.peer_id for peer in left], [peer.peer_id for peer in right])
        at.network.connect_all()
        await until("two meshes", lambda: one_mesh(left) and one_mesh(right))
        at.network.heal()
        at.network.connect_all()
        await until("said", lambda: any("members merge" in peer.control.detail for peer in left))
        await until("said by the others", lambda: any("members merge" in peer.control.detail for peer in right))

        assert left[0].control.mesh_id != right[0].control.mesh_id


async def test_this_peer_is_here_since_its_start(autojump_clock):
    """However often it says since then that it has room: its line of the list tells how long it runs."""
    clock, made = SystemClock(), []

    def extend(peer: Peer) -> None:
        me = Self(peer.peer_id, peer.name, "agent", "", (), "", "", "test", 3, "auto", "")
        load = lambda: Load(0, False, ("python",))  # noqa: E731
        made.append(PeerService(me, peer.journal, peer.control, peer.mesh, clock, EventBus(), load))
        peer.besides.append(made[0].run)

    async with world(4) as at:
        await at.start("a", extend=extend)
        await trio.sleep(200)
        (mine,) = made[0].peers()

        assert (mine.is_self, mine.max_tasks) == (True, 3)
        assert mine.since == pytest.approx(clock.wall() - 200, abs=3)
