"""More than one voter: the mesh keeps an admin, and never two that decide."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.engine.control import entries, raft_messages, raft_wire
from chorus_tui.engine.control.interface import NotAdmin, Refused
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.control.raft_messages import Append, AppendReply, Behind, VoteReply, VoteRequest
from chorus_tui.engine.control.raft_wire import Frame
from chorus_tui.engine.protocol import canonical
from tests.simulation.engines import Peer, World, until, world


async def grown(at: World, names: str, voters: int) -> None:
    for name in names:
        await at.start(name)
    await until(f"{voters} voters", lambda: all(len(peer.control.voters) == voters for peer in at.peers.values()))


def admins(at: World) -> list[Peer]:
    return [peer for peer in at.peers.values() if peer.control.is_admin]


def admin(at: World) -> Peer:
    (one,) = admins(at)
    return one


async def followed(at: World, index: int) -> None:
    await until("all follow", lambda: all(peer.control.commit >= index for peer in at.peers.values()))


@pytest.mark.parametrize("seed", range(3))
async def test_the_next_admin_within_the_bound(autojump_clock, seed):
    """Three crashes of the admin in a row: each time one with a higher term, within time-out and window; the crashed one
    comes back as a follower and changes nothing (E1, E7, E9)."""
    async with world(seed) as at:
        await grown(at, "abcde", 5)
        for _ in range(3):
            old, before = admin(at), trio.current_time()
            images = at.kill(old.name)
            await until(
                "the next admin", lambda old=old: any(p.control.term > old.control.term for p in admins(at)), 16.5
            )
            assert trio.current_time() - before <= 16.5
            new = admin(at)
            await at.start(old.name, images=images)
            await trio.sleep(20)
            assert admin(at).name == new.name
            assert len({peer.control.term for peer in at.peers.values()}) == 1
        index = (await admin(at).control.propose("note", {"n": 1})).index
        await followed(at, index)
        assert all(peer.control.verify()[1] == [] for peer in at.peers.values())


@pytest.mark.parametrize("names", ["abc", "abcde"])
@pytest.mark.parametrize("seed", range(8))
async def test_whoever_is_said_to_be_dispensable_is(autojump_clock, seed, names):
    """On a slow network the admin dies in the moment in which it says that one of the new voters may fail: the others choose another.
    While the voters change, the old ones are needed too, and that is what it says."""
    async with world(seed) as at:
        first = await at.start(names[0])
        await until("it leads", lambda: first.control.is_admin)
        at.network.latency, at.network.loss = (0.001, 0.4), 0.2
        for name in names[1:]:
            await at.start(name)
        said = []
        with trio.fail_after(200):
            while "more may fail" not in (words := first.control.meaning()) or words.endswith("none more may fail"):
                said.append(words)
                await trio.sleep(0.002)
        at.kill(first.name)
        await until("the next admin", lambda: any(peer.control.is_admin for peer in at.peers.values()), 60)

        assert "changing; until then one voter: no failover" in said


async def test_the_smaller_side_of_a_cut_decides_nothing_and_says_why(autojump_clock):
    """Two of five, the admin among them: it steps down within its lease, says that no majority is in reach, and what waited
    is refused; the others go on; after healing all are equal (E4, E6, E8)."""
    async with world(5) as at:
        await grown(at, "abcde", 5)
        old = admin(at)
        few = [old, next(peer for peer in at.peers.values() if peer is not old)]
        many = [peer for peer in at.peers.values() if peer not in few]
        for one in few:
            for other in many:
                at.network.cut(one.peer_id, other.peer_id)
        refused: list[str] = []

        async def act() -> None:
            try:
                await old.control.propose("note", {"n": "lost"})
            except NotAdmin as error:
                refused.append(str(error))

        at.nursery.start_soon(act)
        await until("refused", lambda: refused, 15.0)
        assert not old.control.is_admin
        await until("the others have one", lambda: any(peer.control.is_admin for peer in many), 20)
        await until("said", lambda: "only 2 of 5 voters are in reach" in few[1].control.detail, 30)
        index = (await next(p for p in many if p.control.is_admin).control.propose("note", {"n": "kept"})).index
        at.network.heal()
        at.network.connect_all()
        await followed(at, index)
        await until("one admin", lambda: len(admins(at)) == 1)
        lines = ["".join(peer.control.export(0, 1000)) for peer in at.peers.values()]
        assert len(set(lines)) == 1
        assert "kept" in lines[0]


async def test_an_orderly_stop_hands_over_and_leaves_no_dead_voter(autojump_clock):
    """The admin of three stops: another leads at once, alone, since two voters would be worse than one; it comes back and is
    a voter again."""
    async with world(6) as at:
        await grown(at, "abc", 3)
        old, before = admin(at), trio.current_time()
        await old.control.leave()
        assert trio.current_time() - before < 4.0
        others = [peer for peer in at.peers.values() if peer is not old]
        new = next(peer for peer in others if peer.control.is_admin)
        assert new.control.voters == (new.peer_id,)
        images = at.kill(old.name)
        await new.control.propose("note", {"n": 1})
        await at.start(old.name, images=images)
        await until("three voters", lambda: all(len(peer.control.voters) == 3 for peer in at.peers.values()))


@pytest.mark.parametrize("fate", ["lost", "restored"])
async def test_a_voter_with_another_store_votes_only_when_it_was_made_one_anew(autojump_clock, fate):
    """A voter whose disk was lost, or put back from a backup: it follows, says why it does not vote, and the admin makes its
    new store a voter in place of the old one."""
    async with world(7) as at:
        await grown(at, "abc", 3)
        victim = next(peer for peer in at.peers.values() if not peer.control.is_admin)
        backup = (victim.databases[0].image(), victim.databases[1].image())
        for n in range(3):
            await admin(at).control.propose("note", {"n": n})
        at.kill(victim.name)
        again = await at.start(victim.name, images=None if fate == "lost" else backup, binding="elsewhere")
        if fate == "restored":
            assert "copied or restored" in again.control.detail
        old = [seat for seat in admin(at).control.log.roster.voters.seats if seat.peer_id == victim.peer_id]
        await until(
            "voter anew",
            lambda: (
                again.control.consensus is not None
                and again.control.consensus.seat in again.control.log.roster.voters.seats
            ),
        )
        assert again.control.consensus.seat not in old
        assert again.control.obstacle == ""
        await followed(at, admin(at).control.commit)


async def test_a_silent_voter_gives_way_to_a_standby(autojump_clock):
    """Three of four vote; one of them dies for good: after four time-outs the fourth votes in its place."""
    async with world(8) as at:
        await grown(at, "abcd", 3)
        voters = set(admin(at).control.voters)
        dead = next(peer for peer in at.peers.values() if peer.peer_id in voters and not peer.control.is_admin)
        standby = next(peer for peer in at.peers.values() if peer.peer_id not in voters)
        at.kill(dead.name)
        await until(
            "replaced", lambda: set(admin(at).control.voters) == (voters - {dead.peer_id}) | {standby.peer_id}, 90
        )


async def test_a_new_admin_never_gives_the_vote_to_the_dead(autojump_clock):
    """Five vote, a person's peer among them, since it leads; the two oldest agents die, and it hands over. Then three agents are to
    vote, as people give way to them: that set would rest on the dead (E9). So the person stays until the dead have given way."""
    async with world(11) as at:
        await at.start("p", kind="human")
        await until("founded", lambda: admins(at))
        for name in "abcd":
            await at.start(name)
            await until("a member", lambda: len(admin(at).control.members) == len(at.peers))
        await until("five voters", lambda: all(len(peer.control.voters) == 5 for peer in at.peers.values()))
        dead = {at.peers[name].peer_id for name in "ab"}
        for name in "ab":
            at.kill(name)
        at.peers["p"].control.governing.hand_over_soon()
        await until("an agent leads", lambda: any(peer.name != "p" for peer in admins(at)))

        await until("three voters", lambda: all(len(peer.control.voters) == 3 for peer in at.peers.values()))
        assert not dead & set(admin(at).control.voters)
        await followed(at, (await admin(at).control.propose("note", {"n": 1})).index)


FAR = canonical.MAX_INTEGER
"""The last of all terms: after it nobody could stand any more."""


def said_to_all(at: World, liar: Peer, *messages: raft_messages.Message) -> None:
    """What a peer with a changed client says to every other one as a voter."""
    mesh_id, seat = str(liar.control.mesh_id), liar.control.consensus.seat  # type: ignore[union-attr]
    for other in at.peers.values():
        if other is not liar:
            for message in messages:
                liar.control.streams.post(other.peer_id, raft_wire.encode(Frame(mesh_id, seat.incarnation, message)))


async def test_who_does_not_vote_unseats_nobody_and_ends_no_election(autojump_clock):
    """A member that is no voter stands as an heir, leads, and names the last of all terms; then a voter names that one too, and stands as an heir that it is not: the admin and
    the term stay, on every disk, and what is proposed is decided."""
    async with world(13) as at:
        await grown(at, "abcd", 3)
        await trio.sleep(30)
        boss, before = admin(at), admin(at).control.term
        last, beyond = Position(boss.control.commit, before), Position(FAR - 1, before)
        guest = next(peer for peer in at.peers.values() if peer.peer_id not in boss.control.voters)
        voter = next(peer for peer in at.peers.values() if peer.peer_id in boss.control.voters and peer is not boss)
        lies = (Append(FAR, last, ()), Behind(FAR, 0), VoteReply(FAR, False, False, last), AppendReply(FAR, False, 0))
        said_to_all(
            at, guest, VoteRequest(before + 1, beyond, transfer=True), VoteRequest(before + 1, beyond, pre=True),
            Append(before + 1, last, ()), *lies,
        )  # fmt: skip
        await trio.sleep(20)
        assert {peer.control.store.hard_state().term for peer in at.peers.values()} == {before}
        said_to_all(at, voter, VoteRequest(before + 1, beyond, transfer=True), *lies)
        await trio.sleep(20)

        assert admin(at) is boss
        assert {peer.control.store.hard_state().term for peer in at.peers.values() if peer is not guest} == {before}
        await followed(at, (await boss.control.propose("note", {"n": 1})).index)


async def test_a_member_asks_and_every_follower_checks(autojump_clock):
    """A master's wish is decided by an admin that is not itself a master's peer, and cites the signed request; an agent's is
    refused in words."""
    async with world(9) as at:
        await grown(at, "abc", 3)
        masters = [peer for peer in at.peers.values() if peer.control.members[peer.peer_id].authority == "master"]
        other = next(peer for peer in at.peers.values() if peer not in masters)
        index = await masters[0].control.request(
            entries.MEMBER_CHANGED, {"peer_id": other.peer_id, "authority": "decision"}
        )
        await followed(at, index)
        assert all(peer.control.members[other.peer_id].authority == "decision" for peer in at.peers.values())
        with pytest.raises(Refused, match="authority"):
            await other.control.request(entries.MEMBER_CHANGED, {"peer_id": other.peer_id, "authority": "master"})


async def test_an_identity_lost_with_its_container_is_retired(autojump_clock):
    """A silent agent stays a member for its return; one that joined as ephemeral is retired after ten minutes, its vote taken
    by another before."""
    async with world(10) as at:
        for name in "abcde":
            await at.start(name, ephemeral=name in "ab")
        await until("five members", lambda: all(len(peer.control.members) == 5 for peer in at.peers.values()))
        await until("five voters", lambda: all(len(peer.control.voters) == 5 for peer in at.peers.values()))
        gone = {name: at.peers[name].peer_id for name in "bc"}
        for name in gone:
            at.kill(name)
        await until("an admin", lambda: admins(at), 60)
        here = next(iter(at.peers.values())).control
        await trio.sleep(500)
        assert gone["b"] in here.members
        await at.start("f")
        await until("retired", lambda: gone["b"] not in here.members, 400)
        assert gone["c"] in here.members
        assert gone["b"] not in here.voters
