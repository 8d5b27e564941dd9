"""What a peer sends, takes and keeps in meshes of growing size: the engine's own code on the simulated mesh.

Numbers of messages and bytes follow from the seed, the same on every machine; only the processor time is the machine's. The work is the
same in every mesh: twelve tasks in two minutes. A gossip message counts once where it is published and once where it is taken: how many
copies of it travel is GossipSub's affair, six to twelve to a peer whatever the size. ``python -m benchmarks scale=200`` adds a mesh of
that size.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest import mock

import structlog
import trio

from benchmarks.measure import Figure, Row
from chorus_tui.engine.mesh.simulated_mesh import Gossip, SimulatedMesh
from chorus_tui.engine.mesh.simulated_stream import Pipe, SimulatedStream
from chorus_tui.engine.simulated_time import JumpingClock
from chorus_tui.engine.simulation import load, rest
from chorus_tui.engine.simulation.plan import Options
from chorus_tui.engine.simulation.scheduler import Stopped, deterministic
from chorus_tui.engine.simulation.world import World

SIZES = (5, 15, 30)
SEED = 2
"""One with the default times and no person in it."""
MINUTES = 2
TASKS = 12
SETTLE_S = 60.0
MEET_S = 1200.0
REST_S = 600.0


@dataclass(slots=True)
class Mesh:
    """What was counted in all of one mesh."""

    peers: int
    messages: Counter[str] = field(default_factory=Counter)
    """Gossip taken by its type and frames of streams by their protocol."""
    bytes: Counter[str] = field(default_factory=Counter)
    met_s: float = 0.0
    processor_s: float = 0.0
    entries: int = 0
    """Held by each peer."""
    kept: int = 0
    """Bytes of a peer's two databases."""

    def count(self, what: str, size: int) -> None:
        """One of it."""
        self.messages[what] += 1
        self.bytes[what] += size

    def a_minute(self, counted: Counter[str]) -> float:
        """What one peer takes."""
        return counted.total() / self.peers / MINUTES


def rows(largest: int = 0) -> Iterator[Row]:
    """The smallest mesh stands beside the others."""
    first: Mesh | None = None
    for peers in sorted({*SIZES, largest} - {0}):
        mesh = measured(peers)
        first = first or mesh
        yield _row(mesh, first)


def _row(mesh: Mesh, first: Mesh) -> Row:
    log = math.log(mesh.peers) / math.log(first.peers)
    figures = [Figure("all had met after", mesh.met_s, "s")]
    for what, unit, here, there in (
        ("messages", 1, mesh.messages, first.messages),
        ("kB", 1000, mesh.bytes, first.bytes),
    ):
        value, before = mesh.a_minute(here) / unit, first.a_minute(there) / unit
        figures += [
            Figure(f"a peer takes {what}", value, "a minute"),
            Figure(f"times those of {first.peers} peers", value / before, at_most=log),
        ]
    figures += [Figure("a peer holds", mesh.entries, "entries"), Figure("on its disk", mesh.kept / 1000, "kB")]
    figures += [
        Figure(f"  {what}", count / mesh.peers / MINUTES, f"a minute, {mesh.bytes[what] / count:.0f} B each")
        for what, count in mesh.messages.most_common(6)
    ]
    a_minute, before = (one.processor_s / one.peers / MINUTES for one in (mesh, first))
    return Row(
        "scale", f"processor a peer and minute, {mesh.peers} peers", a_minute, f"{first.peers} peers", before,
        "no faster than the logarithm", 1, tuple(figures),
    )  # fmt: skip


def measured(peers: int) -> Mesh:
    """One run."""
    mesh = Mesh(peers)
    before = structlog.get_config()
    structlog.configure(processors=[_dropped], cache_logger_on_first_use=False)
    stopped = Stopped()
    try:
        with deterministic(SEED), stopped.in_force(), _counted(mesh):
            trio.run(partial(_live, mesh, stopped), clock=JumpingClock())
    finally:
        structlog.configure(**before)
    return mesh


def _dropped(*_: Any) -> Any:
    raise structlog.DropEvent


async def _live(mesh: Mesh, stopped: Stopped) -> None:
    async with trio.open_nursery() as nursery:
        world = World(nursery, Options(SEED, mesh.peers), stopped)
        async with trio.open_nursery() as starting:
            for name in world.machines:
                starting.start_soon(world.start, name)
        await _until(MEET_S, lambda: rest.not_met(world))
        mesh.met_s = trio.current_time()
        await trio.sleep(SETTLE_S)
        mesh.messages.clear()
        mesh.bytes.clear()
        began = time.process_time()
        for number in range(TASKS):
            await load.announce(world, world.dice(f"task {number}"), number)
            await trio.sleep(MINUTES * 60 / TASKS)
        mesh.processor_s = time.process_time() - began
        counted = mesh.messages.copy(), mesh.bytes.copy()
        await _until(REST_S, lambda: rest.unrest(world))
        mesh.messages, mesh.bytes = counted
        assert world.violation is None, world.violation
        one = next(iter(world.peers.values()))
        mesh.entries = one.journal.count()
        image = one.stores.image()
        mesh.kept = len(image.feeds) + len(image.decisions)
        nursery.cancel_scope.cancel()


async def _until(seconds: float, unrest: Callable[[], list[Any]]) -> None:
    """Nothing is left of it; fails with what is."""
    until = trio.current_time() + seconds
    while left := unrest():
        assert trio.current_time() < until, left[:3]
        await trio.sleep(1.0)


@contextmanager
def _counted(mesh: Mesh) -> Iterator[None]:
    """Every message is counted where it is taken; who has one of another passes it on to nobody, since all have it of its author."""
    send, opened, hear = Pipe.send, SimulatedMesh.open, SimulatedMesh.hear
    tell = SimulatedMesh._spread  # noqa: SLF001 - measured from within

    async def counted_send(self: Pipe, frame: bytes) -> None:
        mesh.count(getattr(self, "protocol", "?"), len(frame))
        await send(self, frame)

    async def counted_open(self: SimulatedMesh, peer_id: str, protocol: str, **more: Any) -> SimulatedStream:
        stream = await opened(self, peer_id, protocol, **more)
        for pipe in (stream._outgoing, stream._incoming):  # noqa: SLF001 - measured from within
            pipe.protocol = protocol  # type: ignore[attr-defined]
        return stream

    def counted_hear(self: SimulatedMesh, gossip: Gossip, forwarder: str) -> None:
        mesh.count(f"gossip {json.loads(gossip.data).get('type')}", len(gossip.data))
        hear(self, gossip, forwarder)

    def spread(self: SimulatedMesh, gossip: Gossip, forwarder: str) -> None:
        if gossip.author == self.peer_id:
            tell(self, gossip, forwarder)
        else:
            self._seen[gossip.number] = None

    changed: dict[str, Callable[..., Awaitable[Any] | None]] = {
        "open": counted_open,
        "hear": counted_hear,
        "_spread": spread,
    }
    with mock.patch.object(Pipe, "send", counted_send), mock.patch.multiple(SimulatedMesh, **changed):
        yield
