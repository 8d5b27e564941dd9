"""What goes wrong: one function a fault, each by a name that ``--faults`` takes.

A fault draws its chance from dice of its own, so that one seed with fewer faults stays comparable. It may be cancelled
at any moment: :func:`mend` then makes everything good again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio

from chorus_tui.engine.simulation import hostile
from chorus_tui.engine.simulation.cuts import between
from chorus_tui.engine.simulation.dice import Dice
from chorus_tui.engine.simulation.world import World

RECKLESS = 0.15
"""How often a disk is spoiled although too few voters are left whole then."""

Fault = Callable[[World, Dice, int], Awaitable[None]]


# ── processes ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def crash(world: World, dice: Dice, _number: int) -> None:
    """A peer loses its power and comes back on the same disk."""
    name = _victim(world, dice)
    if name:
        world.say("⚡ crashes", name)
        world.crash(name)
        await trio.sleep(dice.between(0.1, 30))
        await _start(world, name)


async def death(world: World, dice: Dice, _number: int) -> None:
    """A peer loses its power for ever; most of the others stay."""
    name = _spoilable(world, dice) if 2 * len(world.dead) + 3 < len(world.machines) else ""
    if name:
        world.say("⚡ dies", name)
        world.crash(name)
        world.dead.add(name)
    await trio.lowlevel.checkpoint()


async def pause(world: World, dice: Dice, number: int) -> None:
    """A peer's process is stopped (SIGSTOP) and goes on; its clocks ran on."""
    await _stopped(world, dice, number, "⚡ is stopped", clock_stands=False)


async def sleep(world: World, dice: Dice, number: int) -> None:
    """A peer's machine sleeps; its monotonic clock stood still when it wakes."""
    await _stopped(world, dice, number, "⚡ falls asleep", clock_stands=True)


async def clock_jump(world: World, dice: Dice, _number: int) -> None:
    """A peer's wall clock is set wrong, by up to two hours."""
    name = _victim(world, dice)
    if name:
        seconds = dice.between(-7200, 7200)
        world.machines[name].clock.ahead += seconds
        world.say(f"⚡ wall clock jumps by {seconds:.0f} s", name)


# ── disks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def lost_disk(world: World, dice: Dice, _number: int) -> None:
    """A peer crashes and comes back with its key and an empty disk."""
    name = _spoilable(world, dice)
    if name:
        world.say("⚡ crashes and loses its disk", name)
        world.crash(name)
        world.machines[name].disk.lose()
        await trio.sleep(dice.between(1, 20))
        await _start(world, name)


async def restored_backup(world: World, dice: Dice, number: int) -> None:
    """A peer crashes and comes back with the disk of some time ago, half of the times out of reach of the others."""
    name = _spoilable(world, dice)
    backups = world.machines[name].disk.backups if name else []
    if not name or not backups:
        return
    world.say("⚡ crashes and is restored from a backup", name)
    world.crash(name)
    world.machines[name].disk.restore(backups[int(dice.between(0, len(backups) - 0.001))])
    offline = dice.chance(0.5)
    if offline:
        others = [world.id_of(other) for other in world.machines if other != name]
        world.cuts.cut(f"restored {number}", between([world.id_of(name)], others))
    await trio.sleep(dice.between(1, 10))
    await _start(world, name)
    if offline:
        await trio.sleep(dice.between(5, 25))
        world.cuts.mend(f"restored {number}")


async def slow_disk(world: World, dice: Dice, _number: int) -> None:
    """A peer's disk takes seconds to sync."""
    name = _victim(world, dice)
    if name:
        world.say("⚡ disk becomes slow", name)
        world.peers[name].stores.slow(True)
        await trio.sleep(dice.between(5, 30))
        if name in world.peers:
            world.peers[name].stores.slow(False)


# ── network ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def partition(world: World, dice: Dice, number: int) -> None:
    """The mesh falls into two parts."""
    names = list(world.machines)
    part = dice.some(names, 1 + int(dice.between(0, len(names) - 1)))
    rest = [name for name in names if name not in part]
    world.say(f"⚡ cut: {' '.join(sorted(part))} | {' '.join(rest)}")
    world.cuts.cut(f"partition {number}", between(map(world.id_of, part), [world.id_of(name) for name in rest]))
    await trio.sleep(dice.between(3, 40))
    world.cuts.mend(f"partition {number}")
    world.say(f"the cut of {' '.join(sorted(part))} heals")


async def one_way(world: World, dice: Dice, number: int) -> None:
    """Nothing passes from one peer to some of the others; the other way it does."""
    names = list(world.machines)
    name = dice.one(names)
    others = dice.some([other for other in names if other != name], 1 + int(dice.between(0, len(names) - 1)))
    world.say(f"⚡ one-way cut: {name} → {' '.join(sorted(others))}")
    world.cuts.cut(f"one way {number}", [(world.id_of(name), world.id_of(other)) for other in others])
    await trio.sleep(dice.between(3, 40))
    world.cuts.mend(f"one way {number}")
    world.say(f"the one-way cut of {name} heals")


async def loss(world: World, dice: Dice, _number: int) -> None:
    """Messages are lost everywhere."""
    world.network.loss = dice.between(0.05, 0.4)
    world.say(f"⚡ loss of {world.network.loss:.0%}")
    await trio.sleep(dice.between(5, 25))
    world.network.loss = 0.0


async def duplication(world: World, dice: Dice, _number: int) -> None:
    """Gossip comes twice."""
    world.network.duplication = dice.between(0.05, 0.5)
    world.say(f"⚡ duplication of {world.network.duplication:.0%}")
    await trio.sleep(dice.between(5, 25))
    world.network.duplication = 0.0


async def delay(world: World, dice: Dice, _number: int) -> None:
    """Messages take up to seconds, each its own time, so that they overtake each other."""
    world.network.latency = (0.001, dice.between(0.1, 3.0))
    world.say(f"⚡ delays of up to {world.network.latency[1]:.1f} s")
    await trio.sleep(dice.between(5, 25))
    world.network.latency = LATENCY


FAULTS: dict[str, Fault] = {
    "crash": crash,
    "death": death,
    "pause": pause,
    "sleep": sleep,
    "clock-jump": clock_jump,
    "lost-disk": lost_disk,
    "restored-backup": restored_backup,
    "slow-disk": slow_disk,
    "partition": partition,
    "one-way": one_way,
    "loss": loss,
    "duplication": duplication,
    "delay": delay,
    "fork": hostile.fork,
    "forged": hostile.forged,
    "stale": hostile.stale,
}
"""By name; the first line of each docstring says what it does."""

LATENCY = (0.001, 0.02)


async def mend(world: World) -> None:
    """Everything is whole again: paths, messages, disks, processes. Wrong clocks stay wrong and the dead dead.

    A peer that still runs after its fork is started anew, as the fault would have done.
    """
    network = world.network
    network.loss, network.duplication, network.latency = 0.0, 0.0, LATENCY
    world.cuts.mend_all()
    for name in world.machines:
        forking = name in world.peers and world.forks_still(name)
        if forking:
            world.crash(name)
        if name in world.peers:
            world.go_on(name)
            world.peers[name].stores.slow(False)
        elif name not in world.dead:
            await world.start(name)
    world.say("faults have stopped; everything is mended")


# ── whom ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _victim(world: World, dice: Dice) -> str:
    """A running peer; nobody, as an empty name, when none runs."""
    names = [peer.name for peer in world.running() if peer.nursery is not None]
    return dice.one(names) if names else ""


def _spoilable(world: World, dice: Dice) -> str:
    """A running peer whose disk may be spoiled. Mostly a majority of the voters keeps theirs, as the promises ask."""
    name = _victim(world, dice)
    if not name or world.sparing or not world.voter_sets():
        return ""
    if not majority_keeps_its_disks(world, name):
        if not dice.chance(RECKLESS):
            return ""
        world.reckless = True
    world.spoil(name)
    return name


def majority_keeps_its_disks(world: World, name: str) -> bool:
    """Whether of every set of voters that some log holds a majority still has its disks, this peer left out."""
    spoiled = world.spoiled | world.seats_of(name)
    return all(2 * sum(seat in spoiled for seat in voters) < len(voters) for voters in world.voter_sets())


async def _start(world: World, name: str) -> None:
    if name not in world.peers:
        await world.start(name)


async def _stopped(world: World, dice: Dice, number: int, words: str, *, clock_stands: bool) -> None:
    name = _victim(world, dice)
    if not name:
        return
    seconds = dice.between(2, 45)
    world.say(f"{words} for {seconds:.1f} s", name)
    with stopped(world, name, f"stopped {number} {clock_stands}", clock_stands=clock_stands):
        await trio.sleep(seconds)


@contextmanager
def stopped(world: World, name: str, why: str, *, clock_stands: bool) -> Iterator[None]:
    """Inside the block nothing of this peer's process runs, and nothing passes to or from it."""
    others = [world.id_of(other) for other in world.machines if other != name]
    life, since = world.machines[name].lives, trio.current_time()
    world.stop(name)
    world.cuts.cut(why, between([world.id_of(name)], others))
    try:
        yield
    finally:
        world.cuts.mend(why)
        if world.machines[name].lives == life and name in world.peers:
            if clock_stands:
                world.machines[name].clock.slept(trio.current_time() - since)
            world.go_on(name)
            world.say("goes on", name)
