"""One run: the peers meet, faults and load go on for the asked time, then everything is mended and comes to rest."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

import structlog
import trio

from chorus_tui.engine.simulated_time import JumpingClock
from chorus_tui.engine.simulation import faults, load, rest, votes
from chorus_tui.engine.simulation.cuts import between
from chorus_tui.engine.simulation.leadership import Leadership
from chorus_tui.engine.simulation.plan import MEET_S, REST_S, Options, Step, plan
from chorus_tui.engine.simulation.rest import Unrest
from chorus_tui.engine.simulation.scenarios import SCENARIOS, stage
from chorus_tui.engine.simulation.scheduler import Stopped, deterministic
from chorus_tui.engine.simulation.world import Violation, World

LOAD = {"task": load.announce, "vote": votes.propose}
"""What a step of the plan does that is no fault."""
LOOK_EVERY_S = 0.25
DELIVERIES_EVERY_S = 2.0
BACKUP_EVERY_S = 10.0
REST_EVERY_S = 1.0
STAGE_S = 600.0
"""How long after the last fault a scenario may go on trying."""
CALM = 3
"""How many looks in a row must find nothing before it counts as rest."""


@dataclass(slots=True)
class Report:
    """How a run went. ``real_s`` is the only number in it that differs between two runs of one seed."""

    options: Options
    violation: Violation | None
    timeline: list[str]
    digest: str
    simulated_s: float
    real_s: float
    counts: dict[str, int] = field(default_factory=dict)
    """Faults that happened and ends of tasks, by name."""

    @property
    def ok(self) -> bool:
        """Whether every invariant held."""
        return self.violation is None


def simulate(options: Options) -> Report:
    """Run one seed to its end."""
    began = time.perf_counter()
    kept: list[World] = []
    stopped = Stopped()
    with deterministic(options.seed), stopped.in_force(), _failures_seen(kept):
        trio.run(partial(_main, options, stopped, kept), clock=JumpingClock())
    world = kept[0]
    timeline = world.timeline
    return Report(
        options, world.violation, [str(event) for event in timeline.events], timeline.digest(),
        timeline.events[-1].at if timeline.events else 0.0, time.perf_counter() - began, dict(sorted(world.counts.items())),
    )  # fmt: skip


async def _main(options: Options, stopped: Stopped, kept: list[World]) -> None:
    async with trio.open_nursery() as nursery:
        world = World(nursery, options, stopped)
        kept.append(world)
        nursery.start_soon(_look, world)
        nursery.start_soon(_play, world)
        await world.over.wait()
        _end(world)
        nursery.cancel_scope.cancel()


async def _play(world: World) -> None:
    await _meet(world)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        staged = trio.Event()
        nursery.start_soon(_stage, world, staged)
        await _carry_out(world, plan(world.options), nursery)
        await trio.sleep_until(began + world.options.minutes * 60)
        with trio.move_on_after(STAGE_S):
            await staged.wait()
        nursery.cancel_scope.cancel()
    if not staged.is_set():
        world.broken("S1", f"{world.options.scenario} did not come about within {STAGE_S:g} s after the faults")
    with trio.CancelScope(shield=True):
        await faults.mend(world)
    await _within(REST_S, partial(rest.unrest, world), world)
    world.say("everything is at rest")
    _count_ends(world)
    world.over.set()


async def _meet(world: World) -> None:
    """Found one mesh of all peers; or two, when the scenario is of two, and let these meet."""
    scenario = SCENARIOS.get(world.options.scenario)
    names = list(world.machines)
    at = (
        len(names) if scenario is None or scenario.meshes == 1 else int(world.dice("meshes").between(2, len(names) - 1))
    )
    groups = [group for group in (names[:at], names[at:]) if group]
    for one, other in itertools.combinations(groups, 2):
        world.cuts.cut("founding", between(map(world.id_of, one), list(map(world.id_of, other))))
    for group in groups:
        world.expect.update(dict.fromkeys(group, len(group)))
    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(world.start, name)
    for group in groups:
        await _within(MEET_S, partial(rest.not_met, world, group), world)
    world.say("all peers are one mesh" if len(groups) == 1 else "the peers are two meshes")
    world.met = True
    world.expect.update(dict.fromkeys(names, len(names)))
    world.cuts.mend("founding")


async def _stage(world: World, staged: trio.Event) -> None:
    await stage(world)
    staged.set()


async def _carry_out(world: World, steps: list[Step], nursery: trio.Nursery) -> None:
    began = trio.current_time()
    for step in steps:
        await trio.sleep_until(began + step.at)
        world.counts[step.what] += 1
        act = LOAD.get(step.what) or faults.FAULTS[step.what]
        nursery.start_soon(act, world, world.dice(f"{step.what} {step.number}"), step.number)


async def _within(seconds: float, missing: Callable[[], list[Unrest]], world: World) -> None:
    """Wait until nothing is missing any more; what still is in the end breaks its invariant."""
    calm = 0
    with trio.move_on_after(seconds):
        while calm < CALM:
            await trio.sleep(REST_EVERY_S)
            calm = 0 if missing() else calm + 1
    if calm < CALM and (found := missing()):
        world.broken(found[0][0], f"within {seconds:g} s: {'; '.join(text for _, text in found[:4])}")
        await trio.sleep_forever()


async def _look(world: World) -> None:
    """Look at what the peers show, and back their disks up now and then."""
    looks, leadership, everybody = 0, Leadership(world), frozenset(map(world.id_of, world.machines))
    while True:
        await trio.sleep(LOOK_EVERY_S)
        looks += 1
        for name, peer in sorted(world.peers.items()):
            watch = world.machines[name].watch
            if watch is None or peer.stopped:
                leadership.forget(name)
                continue
            watch.look()
            leadership.look(peer)
            if looks % round(DELIVERIES_EVERY_S / LOOK_EVERY_S) == 0:
                watch.look_at_deliveries(everybody)
                watch.look_at_votes()
        if looks % round(BACKUP_EVERY_S / LOOK_EVERY_S) == 0:
            world.back_up()


def _end(world: World) -> None:
    """Nothing that happens while the run is taken down counts."""
    for peer in world.peers.values():
        peer.alive = False
        world.go_on(peer.name)


def _count_ends(world: World) -> None:
    world.counts.update(how for _, how in world.invariants.ends.values())


@contextmanager
def _failures_seen(kept: list[World]) -> Iterator[None]:
    """What services log as failed is a finding; everything else that they log is dropped."""

    def see(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> NoReturn:
        if event.get("exc_info") and kept:
            world = kept[0]
            peer = world.who_is(trio.lowlevel.current_task())
            if peer is not None and peer.alive:
                world.broken("X1", f"{peer.name}: {event.get('event')} ({_cause()})")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[see], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def _cause() -> str:
    error = sys.exception()
    return f"{type(error).__name__}: {error}"
