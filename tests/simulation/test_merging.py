"""What outlives a mesh: merged by masters, or founded anew when its majority is gone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
import trio

from chorus_tui.engine.control import candidacy, entries, followers, told
from chorus_tui.engine.control.interface import ControlEntry, NotAdmin, Refused
from tests.simulation.engines import Peer, World, until, world


class Acts:
    """A fold that keeps every note it was given, whichever mesh decided it."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, int]] = []

    def apply(self, entry: ControlEntry) -> None:
        if entry.type == "note":
            self.notes.append((entry.mesh_id, entry.data["n"]))


async def two_meshes(at: World, first: str, second: str) -> tuple[list[Peer], list[Peer], dict[str, Acts]]:
    """Two founded meshes that could not talk until now."""
    at.network.discovery = False
    acts: dict[str, Acts] = {}

    def extend(peer: Peer) -> None:
        acts[peer.name] = Acts()
        peer.control.fold(acts[peer.name])

    sides = []
    for names in (first, second):
        peers = [await at.start(name, extend=extend) for name in names]
        for one in peers:
            for other in peers:
                if one is not other:
                    await one.mesh.connect(other.mesh.addresses()[0])
        await until("a mesh", lambda peers=peers: all(len(p.control.members) == len(peers) for p in peers))
        sides.append(peers)
    return sides[0], sides[1], acts


def leader(peers: list[Peer]) -> Peer:
    return next(peer for peer in peers if peer.control.is_admin)


def master(peers: list[Peer]) -> Peer:
    return next(peer for peer in peers if peer.control.members[peer.peer_id].authority == "master")


async def test_two_meshes_become_one_by_their_masters_word(autojump_clock):
    """They meet and nothing happens; the smaller may not go before it is invited; after both words all are members of the
    larger, and everybody, the larger's members too, knows what the smaller had decided, once."""
    async with world(11) as at:
        small, large, acts = await two_meshes(at, "ab", "cde")
        await leader(small).control.propose("note", {"n": 1})
        await leader(large).control.propose("note", {"n": 2})
        small_id, large_id = small[0].control.mesh_id, large[0].control.mesh_id
        at.network.discovery = True
        at.network.connect_all()
        await until("seen", lambda: all(peer.control.others for peer in [*small, *large]))
        assert {small[0].control.mesh_id, large[0].control.mesh_id} == {small_id, large_id}

        with pytest.raises(Refused, match="not offered"):
            await master(small).control.merging.merge(large_id)
        await master(large).control.merging.merge(small_id)
        await until("shown", lambda: small_id in leader(small).control.discovery.seen[large_id].offers)
        await master(small).control.merging.merge(large_id)

        everybody = [*small, *large]
        await until("one mesh", lambda: all(peer.control.mesh_id == large_id for peer in everybody))
        await until("of five", lambda: all(len(peer.control.members) == 5 for peer in everybody))
        await until(
            "all know",
            lambda: all(sorted(acts[p.name].notes) == sorted([(small_id, 1), (large_id, 2)]) for p in everybody),
        )
        assert all(peer.control.verify()[1] == [] for peer in everybody)


@pytest.mark.parametrize("order", [0, 5])
async def test_who_was_a_member_of_a_lost_mesh_stays_an_author_for_newcomers(order, autojump_clock):
    """A peer that joins a refounded mesh fetches the log of the lost one, so it keeps the feeds of those that are gone: all end
    with the same feeds. In one of the orders a member without an admin reads the log from a former admin that founded the new
    mesh: that must not pass for the lost mesh's admin being there."""
    async with world(13, order) as at:
        for name in "abcd":
            await at.start(name)
        await until("three voters", lambda: all(len(peer.control.voters) == 3 for peer in at.peers.values()))
        alive = next(peer for peer in at.peers.values() if peer.peer_id in peer.control.voters)
        lost = [peer for peer in at.peers.values() if peer.peer_id in alive.control.voters and peer is not alive]
        word = await lost[0].journal.say("goodbye", {"reason": "for ever"})
        await until("heard", lambda: alive.journal.get(*word.key))
        for peer in lost:
            at.kill(peer.name)
        await until("no admin", lambda: alive.control.state == "no_admin")
        await alive.control.merging.refound()
        fresh = await at.start("e")

        await until("it joined", lambda: fresh.control.mesh_id == alive.control.mesh_id)
        await until("it has the word of the lost one", lambda: fresh.journal.get(*word.key) == word)
        await until("equal feeds", lambda: fresh.journal.chains.frontier() == alive.journal.chains.frontier())


async def test_who_missed_the_last_decision_of_its_mesh_follows_the_others(autojump_clock):
    """A member is cut off when its mesh goes into another: back again, it learns of it from those who went, and follows; a
    peer that never was a member is not shown the closed log."""
    async with world(14) as at:
        small, large, _ = await two_meshes(at, "ab", "cde")
        small_id, large_id = small[0].control.mesh_id, large[0].control.mesh_id
        at.network.discovery = True
        at.network.connect_all()
        await until("seen", lambda: all(peer.control.others for peer in [*small, *large]))
        await master(large).control.merging.merge(small_id)
        await until("shown", lambda: small_id in leader(small).control.discovery.seen[large_id].offers)
        goes, stays = leader(small), next(peer for peer in small if not peer.control.is_admin)

        at.network.isolate(stays.peer_id)
        await goes.control.merging.merge(large_id)
        await until("one went", lambda: goes.control.mesh_id == large_id)
        await until("all know", lambda: all(small_id in peer.control.closed for peer in large))
        assert stays.control.log.roster.absorbed_by is None
        at.network.heal()

        await until("the other too", lambda: stays.control.mesh_id == large_id)
        await until("of five", lambda: all(len(peer.control.members) == 5 for peer in at.peers.values()))
        assert not goes.control.may_open("a stranger", followers.PROTOCOL)


async def test_a_voter_without_its_disk_is_not_counted_as_in_reach(autojump_clock):
    """Two of three voters crash; one comes back with an empty disk, then the other: nobody says that the voters choose an
    admin. First who may come back is named, and once nobody may, the way out is."""
    async with world(15) as at:
        for name in "abcd":
            await at.start(name)
        await until("three voters", lambda: all(len(peer.control.voters) == 3 for peer in at.peers.values()))
        voters = [peer for peer in at.peers.values() if peer.peer_id in peer.control.voters]
        admin, one, other = sorted(voters, key=lambda peer: not peer.control.is_admin)
        rest = [peer.control for peer in at.peers.values() if peer not in (one, other)]
        for peer in (one, other):
            at.kill(peer.name)
        await until("no admin", lambda: all(control.state == "no_admin" for control in rest))

        await at.start(one.name, binding="elsewhere")
        gone = f"only 1 of 3 voters are in reach (missing: {other.name}, {one.name}, which is back with another disk)"
        await until("said by all", lambda: all(gone in control.detail for control in rest))
        back = f"3 voters, 1 in reach: nothing is decided until more are back. Only if {other.name} will never be back"
        assert all(told.meaning(control).startswith(back) for control in rest)

        await at.start(other.name, binding="elsewhere")
        await until("lost", lambda: all("without a majority of their disks" in c.detail for c in rest))
        assert all("chorus-tui election refound" in text for c in rest for text in (c.detail, told.meaning(c)))
        assert admin.control.discovery.stores
        await admin.control.merging.refound()
        await until(
            "an admin for all", lambda: all(p.control.mesh_id == admin.control.mesh_id for p in at.peers.values())
        )
        assert admin.control.consensus is not None
        await until("nothing kept of it", lambda: not admin.control.discovery.stores)


async def test_a_voter_that_still_reads_its_disk_is_not_told_as_without_it(autojump_clock):
    """Two of three voters crash and one is started again: as long as it has not read its control log, which takes a while here,
    nobody says that its disk is another one; then the two choose an admin."""
    async with world(17) as at:
        for name in "abc":
            await at.start(name)
        await until("three voters", lambda: all(len(peer.control.voters) == 3 for peer in at.peers.values()))
        here = at.peers["a"].control
        images = {name: at.kill(name) for name in "bc"}
        await until("no admin", lambda: here.state == "no_admin")
        read = trio.Event()

        def slowly(peer: Peer) -> None:
            opened = peer.control.open

            async def open_() -> None:
                await read.wait()
                await opened()

            peer.control.open = open_

        async def start() -> None:
            await at.start("b", images=images["b"], extend=slowly)

        at.nursery.start_soon(start)
        await until("linked", lambda: len(here.mesh.links()) == 1)
        told_meanwhile = []
        for _ in range(40):
            await trio.sleep(0.25)
            told_meanwhile.append(here.detail)
        assert not [text for text in told_meanwhile if "another disk" in text]
        read.set()
        await until("an admin", lambda: here.state == "member")


async def test_while_voters_change_a_majority_of_the_new_ones_is_named_too(autojump_clock):
    """A change of voters to a set that died is never decided: all say that of the new voters too few are in reach, though most
    of the old ones are."""
    async with world(16) as at:
        for name in "abcde":
            await at.start(name)
        await until("five voters", lambda: all(len(peer.control.voters) == 5 for peer in at.peers.values()))
        admin = next(peer for peer in at.peers.values() if peer.control.is_admin)
        dead = [peer for peer in at.peers.values() if peer is not admin][:2]
        seats = [list(peer.control.consensus.seat) for peer in (admin, *dead)]
        for peer in dead:
            at.kill(peer.name)

        async def change() -> None:
            with suppress(NotAdmin):
                await admin.control.propose(entries.VOTERS_CHANGING, {"to": seats})

        at.nursery.start_soon(change)
        here = [peer.control for peer in at.peers.values()]
        await until("no admin", lambda: all(control.state == "no_admin" for control in here))
        assert all("only 1 of 3 new voters are in reach" in control.detail for control in here)
        assert all("chorus-tui election refound" in told.meaning(control) for control in here)


async def test_a_mesh_without_a_majority_is_founded_anew(autojump_clock):
    """Two of three voters are gone for good: nothing is decided and that is said; while an admin is heard it is refused; the
    new mesh takes in the members without an admin, and those that come back."""
    async with world(12) as at:
        for name in "abcd":
            await at.start(name)
        await until("three voters", lambda: all(len(peer.control.voters) == 3 for peer in at.peers.values()))
        alive = next(peer for peer in at.peers.values() if peer.peer_id in peer.control.voters)
        with pytest.raises(Refused, match="is heard"):
            await alive.control.merging.refound()
        old_id = alive.control.mesh_id
        # A master: its word counts for members that come back together and could choose an admin of the old mesh again.
        alive = next(p for p in at.peers.values() if alive.control.members[p.peer_id].authority == "master")
        lost = [peer for peer in at.peers.values() if peer.peer_id in alive.control.voters and peer is not alive]
        images = {peer.name: at.kill(peer.name) for peer in lost}
        await until("no admin", lambda: alive.control.state == "no_admin")
        assert "nothing is decided without a majority" in alive.control.detail
        assert "chorus-tui election refound" in told.meaning(alive.control)

        new_id = await alive.control.merging.refound()
        assert new_id != old_id
        assert alive.control.is_admin
        await until("the other follows", lambda: all(peer.control.mesh_id == new_id for peer in at.peers.values()))
        for name, image in images.items():
            await at.start(name, images=image)
        await until("all follow", lambda: all(peer.control.mesh_id == new_id for peer in at.peers.values()))
        await until("voters again", lambda: all(len(peer.control.voters) == 3 for peer in at.peers.values()))


@pytest.mark.parametrize("when", ["the admin goes", "a member restarts", "a master is named"])
async def test_a_mesh_that_can_choose_an_admin_loses_nobody_to_one_founded_in_its_place(
    when, autojump_clock, monkeypatch
):
    """A member that may only work says that the mesh was given up and founds it anew, signing as itself or naming the master as its
    founder: the others, without an admin for a moment, choose one, and stay."""
    async with world(18) as at:
        for name in "abcde":
            await at.start(name)
        await until("voters", lambda: all(len(peer.control.voters) == 5 for peer in at.peers.values()))
        peers = list(at.peers.values())
        old_id = peers[0].control.mesh_id
        liar = next(peer for peer in peers if not peer.control.is_admin and peer is not master(peers))
        monkeypatch.setattr(liar.control, "admin_reachable", lambda: False)
        if when == "a master is named":
            liar.control.who = replace(liar.control.who, peer_id=master(peers).peer_id)
        slow = candidacy.delay
        monkeypatch.setattr(candidacy, "delay", lambda *chances: 8.0 + slow(*chances))
        await liar.control.merging.refound()
        at.kill(next(peer for peer in peers if peer is not liar and peer.control.is_admin).name)
        if when == "a member restarts":
            chosen = next(peer for peer in at.peers.values() if peer is not liar)
            await at.start(chosen.name, images=at.kill(chosen.name))
        rest = [peer for peer in at.peers.values() if peer is not liar]

        await until("no admin", lambda: all(peer.control.state == "no_admin" for peer in rest))
        await until("an admin", lambda: all(peer.control.state == "member" for peer in rest))
        assert {peer.control.mesh_id for peer in rest} == {old_id}
        assert liar.control.mesh_id != old_id


async def test_who_is_left_follows_a_member_that_may_only_work_when_the_majority_stays_away(autojump_clock):
    """No master is left: after several time-outs without a majority in reach the others go into the mesh of whoever founded it anew."""
    async with world(19) as at:
        for name in "abcde":
            await at.start(name)
        await until("voters", lambda: all(len(peer.control.voters) == 5 for peer in at.peers.values()))
        peers = list(at.peers.values())
        one, other = [peer for peer in peers if peer is not master(peers)][:2]
        for peer in peers:
            if peer not in (one, other):
                at.kill(peer.name)
        await until("no admin", lambda: all(peer.control.state == "no_admin" for peer in (one, other)))
        began = trio.current_time()
        new_id = await one.control.merging.refound()

        await until("it follows", lambda: other.control.mesh_id == new_id, 300)
        assert trio.current_time() - began > 30


async def test_who_may_not_work_founds_nothing_anew(autojump_clock):
    """Nobody would follow, and it is said what helps."""
    async with world(20) as at:
        for name in "ab":
            await at.start(name)
        peers = list(at.peers.values())
        await until("a mesh", lambda: all(len(peer.control.members) == 2 for peer in peers))
        other = next(peer for peer in peers if peer is not master(peers))
        data = {"peer_id": other.peer_id, "authority": "suggestion"}
        await master(peers).control.request(entries.MEMBER_CHANGED, data)
        await until("granted", lambda: other.control.members[other.peer_id].authority == "suggestion")
        at.kill(master(peers).name)
        await until("no admin", lambda: other.control.state == "no_admin")

        with pytest.raises(Refused, match="best at a master"):
            await other.control.merging.refound()
