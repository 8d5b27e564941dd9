"""Situations by name: each is made to happen for certain, among the faults that a seed brings anyway.

A scenario tries until the situation has come about, and says so only of what it has seen: that the voters did change
while the cut stood, that somebody else did lead while the admin slept. It goes on beyond the asked minutes if it must;
one that never succeeds is a broken invariant of its own, S1. Until it has succeeded nothing but the scenario spoils a
disk, so that the majority it needs is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from chorus_tui.engine.control.interface import NoMesh, NotAdmin, Refused
from chorus_tui.engine.simulation import faults, load, rest
from chorus_tui.engine.simulation.cuts import between
from chorus_tui.engine.simulation.dice import Dice
from chorus_tui.engine.simulation.peer import Peer
from chorus_tui.engine.simulation.world import World

Act = Callable[[World, Dice], Awaitable[bool]]
"""One attempt; whether the situation came about."""

ATTEMPT_S = 150.0
"""How long one attempt waits for the mesh: longer than a silent voter is kept."""
WORD_EVERY_S = 5.0


# ── what happens ───────────────────────────────────────────────────────────────────────────────────────────────────


async def roster_changed(world: World, dice: Dice) -> bool:
    """Some voters are cut off until the others have replaced them; then both sides meet again."""
    admin = _admin(world)
    names = _voters(world, admin) if admin else []
    if admin is None or len(names) < 3:
        return False
    before = admin.control.voters
    away = dice.some([name for name in names if name != admin.name], 1 + int(dice.between(0, (len(names) - 1) // 2)))
    stay = [world.id_of(name) for name in world.machines if name not in away]

    def changed() -> bool:
        here = [peer.control for peer in world.running() if peer.control.mesh_id == admin.control.mesh_id]
        new = any(c.me.peer_id in stay and set(c.voters) != set(before) for c in here)
        return new and any(c.me.peer_id not in stay and c.voters == before for c in here)

    world.say(f"★ cut off until the voters change: {' '.join(away)}")
    world.cuts.cut("roster", between(map(world.id_of, away), stay))
    happened = await _within(ATTEMPT_S, changed)
    world.cuts.mend("roster")
    return happened


async def restored_offline(world: World, dice: Dice) -> bool:
    """A voter is set back to a backup, starts and works out of reach of all others, and meets them later."""
    admin = _admin(world)
    name = _spoilable_voter(world, dice, admin)
    peer = world.peers.get(name)
    if admin is None or peer is None:
        return False
    backup, commit, said = peer.stores.image(), peer.control.commit, peer.journal.store.last_own(peer.peer_id)
    load.announce_by(world, dice, peer, "task before the crash")
    if not await _within(
        60, lambda: peer.control.commit > commit and peer.journal.store.last_own(peer.peer_id) != said
    ):
        return False
    if world.peers.get(name) is not peer or peer.stopped:
        return False
    world.say("★ is set back to a backup, out of reach", name)
    world.spoil(name)
    world.crash(name)
    world.machines[name].disk.restore(backup)
    others = [world.id_of(other) for other in world.machines if other != name]
    world.cuts.cut("restored", between([world.id_of(name)], others))
    back = await world.start(name)
    load.announce_by(world, dice, back, "task from the backup")
    # What happens to it from here on, another crash even, belongs to the situation: each try costs a disk.
    happened = not back.mesh.links() and back.control.commit <= commit
    await trio.sleep(dice.between(5, 30))
    world.cuts.mend("restored")
    return happened


async def meshes_meet(world: World, _dice: Dice) -> bool:
    """Two meshes that were founded apart see each other, stay apart, and become one by their masters' word."""
    meshes = {peer.control.mesh_id for peer in world.peers.values()}
    seen = await _within(ATTEMPT_S, lambda: all(any(p.control.others for p in _of(world, mesh)) for mesh in meshes))
    if seen and len(meshes) == 2:
        world.say(f"★ two meshes have met: {' '.join(sorted(str(mesh)[:8] for mesh in meshes))}")
    while rest.not_met(world) or len(world.peers) < len(world.machines):
        for peer in world.running():
            member = peer.control.members.get(peer.peer_id)
            if member is not None and member.authority == "master":
                peer.do(_say_word, world, peer)
        await trio.sleep(WORD_EVERY_S)
    return seen and len(meshes) == 2


async def admin_asleep(world: World, dice: Dice) -> bool:
    """The admin sleeps until another leads; when it wakes it decides something before it hears of that."""
    admin = _admin(world)
    if admin is None:
        return False
    mesh_id, term = admin.control.mesh_id, admin.control.term

    def another_leads() -> bool:
        return any(
            peer is not admin and peer.control.is_admin and peer.control.mesh_id == mesh_id and peer.control.term > term
            for peer in world.running()
        )

    stands = dice.chance(0.5)
    world.say(f"★ the admin {'falls asleep' if stands else 'is stopped'} until another leads", admin.name)
    with faults.stopped(world, admin.name, "admin asleep", clock_stands=stands):
        happened = await _within(ATTEMPT_S, another_leads) and world.peers.get(admin.name) is admin
        if happened:
            admin.do(_decide_late, world, admin, term)
    return happened


async def voter_lost_its_disk(world: World, dice: Dice) -> bool:
    """A voter comes back with its key and an empty disk, while the others still count on its vote."""
    name = _spoilable_voter(world, dice, _admin(world))
    if not name:
        return False
    me = world.id_of(name)
    world.say("★ loses its disk while it is a voter", name)
    world.spoil(name)
    world.crash(name)
    world.machines[name].disk.lose()
    await trio.sleep(dice.between(1, 12))
    counted = any(me in peer.control.voters for peer in world.running())
    back = await world.start(name)
    empty = back.alive and not back.control.voters
    return counted and empty and await _within(ATTEMPT_S, lambda: me in back.control.members)


@dataclass(frozen=True, slots=True)
class Scenario:
    """``meshes``: into how many the peers are founded at first."""

    act: Act
    meshes: int = 1


SCENARIOS = {
    "roster-changed-during-a-partition": Scenario(roster_changed),
    "restored-backup-started-offline": Scenario(restored_offline),
    "two-founded-meshes-meet": Scenario(meshes_meet, meshes=2),
    "admin-asleep": Scenario(admin_asleep),
    "voter-with-a-lost-disk": Scenario(voter_lost_its_disk),
}
"""By name; the first line of each docstring says what happens."""
FEWEST = 4
"""Peers that every scenario needs: three voters, and somebody who can take the place of one."""


async def stage(world: World) -> None:
    """Make the situation of the run happen, if it is one with a scenario; returns when it has."""
    scenario = SCENARIOS.get(world.options.scenario)
    if scenario is None:
        return
    dice = world.dice("scenario")
    world.sparing = True
    await trio.sleep(dice.between(0, 10))
    for attempt in itertools.count(1):
        if await scenario.act(world, dice):
            break
        world.say(f"★ not in attempt {attempt}")
        await trio.sleep(dice.between(1, 5))
    world.sparing = False
    world.counts[world.options.scenario] += 1
    world.say(f"★ {world.options.scenario}")


# ── whom ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _admin(world: World) -> Peer | None:
    """The running admin of the newest term."""
    leading = [peer for peer in world.running() if peer.control.is_admin]
    return max(leading, key=lambda peer: peer.control.term, default=None)


def _voters(world: World, admin: Peer) -> list[str]:
    return [name for name in world.machines if world.id_of(name) in admin.control.voters]


def _spoilable_voter(world: World, dice: Dice, admin: Peer | None) -> str:
    """A running voter without whose disk a majority stands; nobody, as an empty name, when there is none."""
    running = {peer.name for peer in world.running() if peer.nursery is not None}
    voters = _voters(world, admin) if admin else []
    names = [name for name in voters if name in running and faults.majority_keeps_its_disks(world, name)]
    return dice.one(names) if names else ""


def _of(world: World, mesh_id: str | None) -> list[Peer]:
    return [peer for peer in world.peers.values() if peer.control.mesh_id == mesh_id]


# ── inside a peer ──────────────────────────────────────────────────────────────────────────────────────────────────


async def _say_word(world: World, peer: Peer) -> None:
    """A master agrees to what there is to agree to, once."""
    log = peer.control.log
    for mesh_id in list(peer.control.others):
        if log is None or mesh_id in log.roster.offers or log.roster.absorbed_by is not None:
            continue
        try:
            with trio.move_on_after(WORD_EVERY_S):
                await peer.control.merging.merge(mesh_id)
        except (Refused, NotAdmin, NoMesh) as problem:
            world.say(f"no merging yet: {problem}", peer.name)


async def _decide_late(world: World, peer: Peer, term: int) -> None:
    """What an admin decides that does not know yet that another leads must not count."""
    try:
        entry = await peer.control.propose("note", {"text": "decided in my sleep"})
    except (NotAdmin, NoMesh) as problem:
        world.say(f"decides nothing any more: {problem}", peer.name)
        return
    if entry.term <= term:
        world.broken("E6", f"{peer.name} decided entry {entry.index} in term {term}, after another was elected")


async def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it came to hold in that time."""
    with trio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110 - it is about several peers, of which none has an event for it
            await trio.sleep(0.25)
        return True
    return False
