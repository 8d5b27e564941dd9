"""What outlives a mesh: merged by masters, or founded anew when its majority is gone."""

from __future__ import annotations

import pytest

from chorus_tui.engine.control import followers, told
from chorus_tui.engine.control.interface import ControlEntry, Refused
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
