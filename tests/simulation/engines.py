"""Journals and control logs on one simulated network: what a simulation of the decisions is made of."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from chorus_tui.engine.clock import Clock, SeededEntropy, SystemClock
from chorus_tui.engine.control import store as control_store
from chorus_tui.engine.control.service import ControlService
from chorus_tui.engine.control.settings import ControlSettings
from chorus_tui.engine.journal.database import InlineDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.simulation import scheduler


@dataclass
class Peer:
    """One simulated peer, as far as the control log goes."""

    name: str
    identity: Identity
    mesh: object
    journal: FeedJournal
    control: ControlService
    scope: trio.CancelScope
    databases: tuple[InlineDatabase, InlineDatabase]
    besides: list[Callable[..., Awaitable[None]]] = field(default_factory=list)
    """Services that ``extend`` adds; they live as long as the peer."""

    @property
    def peer_id(self) -> str:
        return self.identity.peer_id


class World:
    """A network, a nursery, and the peers in it."""

    def __init__(self, nursery: trio.Nursery, seed: int) -> None:
        self.nursery = nursery
        self.network = SimulatedNetwork(SeededEntropy(f"network {seed}"))
        self.seed = seed
        self.peers: dict[str, Peer] = {}
        self._lives = 0
        self.clock: Callable[[], Clock] = SystemClock
        """Makes the clock of each peer that is started from now on; its wall time is the machine's unless another is set."""

    async def start(
        self, name: str, *, kind: str = "agent", images: tuple[bytes, bytes] | None = None, binding: str = "here",
        bootstrap: tuple[str, ...] = (), extend: Callable[[Peer], None] | None = None, parameters: dict[str, float] | None = None,
        ephemeral: bool = False,
        role: str = "", expertise: tuple[str, ...] = (),
    ) -> Peer:  # fmt: skip
        """Start a peer, with what an earlier life left on its disks when ``images`` are given."""
        identity = Identity(SeededEntropy(f"identity {self.seed} {name}").bytes(32))
        mesh = self.network.mesh(identity)
        self._lives += 1
        entropy, clock, events = SeededEntropy(f"{self.seed} {name} {self._lives}"), self.clock(), EventBus()
        feeds = InlineDatabase(SCHEMA, images[0] if images else None)
        decisions = InlineDatabase(control_store.SCHEMA, images[1] if images else None)
        journal = FeedJournal(identity, feeds, mesh, lambda value: value, clock, entropy, events, "test")
        settings = ControlSettings(
            grace_s=3.0, bootstrap=bootstrap, binding=binding, parameters=parameters or {}, ephemeral=ephemeral
        )
        control = ControlService(
            identity, name, kind, role, list(expertise), decisions, mesh, journal, clock, entropy, events, settings
        )  # type: ignore[arg-type]
        peer = Peer(name, identity, mesh, journal, control, trio.CancelScope(), (feeds, decisions))
        if extend:
            extend(peer)
        await self.nursery.start(self._live, peer)
        self.peers[name] = peer
        return peer

    async def _live(self, peer: Peer, *, task_status: trio.TaskStatus[None]) -> None:
        with peer.scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(peer.mesh.run)  # type: ignore[attr-defined]
                for topic in topics.EVERYBODYS:
                    await peer.mesh.join(topic)  # type: ignore[attr-defined]
                await peer.control.open()
                await peer.journal.open()
                await nursery.start(peer.journal.run)
                await nursery.start(peer.control.run)
                for service in peer.besides:
                    await nursery.start(service)
                task_status.started()

    def kill(self, name: str) -> tuple[bytes, bytes]:
        """A crash; what is left on the disks."""
        peer = self.peers.pop(name)
        self.network.crash(peer.peer_id)
        peer.scope.cancel()
        return peer.databases[0].image(), peer.databases[1].image()


@asynccontextmanager
async def world(seed: int, order: int = 0) -> AsyncIterator[World]:
    """A world that ends with the block. The seed is printed when a test fails.

    The order in which ready tasks run depends on ``seed`` and ``order`` alone; ``CHORUS_TEST_ORDER=n`` tries another one.
    """
    order = int(os.environ.get("CHORUS_TEST_ORDER", order))
    print(f"seed {seed}, order {order}")
    with scheduler.deterministic(f"{seed} {order}"):
        async with trio.open_nursery() as nursery:
            yield World(nursery, seed)
            nursery.cancel_scope.cancel()


async def until(what: str, condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Let simulated time pass until ``condition`` holds."""
    with trio.move_on_after(seconds) as scope:
        while not condition():
            await trio.sleep(0.1)
    assert not scope.cancelled_caught or condition(), f"not within {seconds} simulated seconds: {what}"
