"""Real nodes on loopback, in this process, for the tests of the mesh."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.interface import Stream
from chorus_tui.engine.mesh.node import Libp2pMesh
from chorus_tui.engine.protocol.identity import Identity
from tests.support.patience import PATIENCE

KEY = bytes(range(32))
TOPIC = "CHORUS/coordination/v1"


def identity(number: int) -> Identity:
    """Always the same identity for a number."""
    return Identity(bytes([number]) * 32)


class Node:
    """A mesh and what it heard. ``stop`` ends it alone."""

    def __init__(self, number: int, folder: Path, **options) -> None:
        # A peer of a busy machine may be silent for seconds, so that none is taken for dead before six.
        config = {"network_key": KEY, "mdns": False, "ping_interval": 0.5, "ping_timeout": 6.0, "redial": (0.3, 0.6)}
        self.mesh = Libp2pMesh(identity(number), MeshConfig(data_dir=folder / str(number), **(config | options)))
        self.peer_id = self.mesh.peer_id
        self.heard: list[bytes] = []
        self.changes: list[tuple[str, bool]] = []
        self.mesh.on_gossip(self._hear)
        self.mesh.on_link(lambda peer, up: self.changes.append((peer, up)))
        self._scope = trio.CancelScope()
        self._stopped = trio.Event()

    async def _hear(self, _topic: str, data: bytes, _author: str) -> None:
        self.heard.append(data)

    async def _run(self, task_status=trio.TASK_STATUS_IGNORED) -> None:
        with self._scope:
            await self.mesh.run(task_status=task_status)
        self._stopped.set()

    async def start(self, nursery: trio.Nursery) -> str:
        """Run in ``nursery``; the first address."""
        await self.mesh.join(TOPIC)
        await nursery.start(self._run)
        return self.mesh.addresses()[0]

    async def stop(self) -> None:
        """End, and wait for the end."""
        self._scope.cancel()
        await self._stopped.wait()

    def linked_to(self) -> set[str]:
        """Peer ids."""
        return set(self.mesh.links())


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition; TooSlowError when it does not come. ``seconds`` are those of a calm machine."""
    with trio.fail_after(seconds * PATIENCE):
        while not condition():
            await trio.sleep(0.02)


async def until_heard(sender: Node, receiver: Node, data: bytes, seconds: float = 10.0) -> None:
    """Publish ``data`` now and then until it arrives: gossip promises nothing, least of all in its first second."""
    with trio.fail_after(seconds * PATIENCE):
        while data not in receiver.heard:
            await sender.mesh.publish(TOPIC, data)
            await trio.sleep(0.1)


def connections(node: Node, other: Node) -> list[Any]:
    """Those of ``node`` to ``other``, as the library has them."""
    return list(node.mesh._host.get_network().get_connections(ID.from_base58(other.peer_id)))


async def dial_at_once(node: Node, address: str, times: int) -> None:
    """As a peer does that keeps no order: so many connections to one address, made side by side. Whether they come about is not asked."""
    place, _, peer_id = address.partition("/p2p/")
    swarm = node.mesh._host.get_network()

    async def dial() -> None:
        with contextlib.suppress(SwarmException):
            await swarm.dial_addr(Multiaddr(place), ID.from_base58(peer_id))

    async with trio.open_nursery() as nursery:
        for _ in range(times):
            nursery.start_soon(dial)


class Freezer:
    """A TCP proxy that can stop carrying bytes without closing, as a hung process or a cut cable does."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._thawed = trio.Event()
        self._thawed.set()
        self.port = 0
        self.accepted = 0

    async def run(self, task_status=trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            self.port = listeners[0].socket.getsockname()[1]
            task_status.started()
            await trio.serve_listeners(self._carry, listeners, handler_nursery=nursery)

    def freeze(self) -> None:
        """Carry nothing any more, on connections old and new."""
        self._thawed = trio.Event()

    def thaw(self) -> None:
        """Carry again."""
        self._thawed.set()

    async def _carry(self, inbound: trio.SocketStream) -> None:
        self.accepted += 1
        try:
            outbound = await trio.open_tcp_stream("127.0.0.1", self._target_port)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pump, inbound, outbound, nursery.cancel_scope)
                nursery.start_soon(self._pump, outbound, inbound, nursery.cancel_scope)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _pump(self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope) -> None:
        try:
            async for data in source:
                await self._thawed.wait()
                await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        await self._thawed.wait()  # an end is not carried either
        scope.cancel()


def port_of(address: str) -> int:
    """The TCP port of a multiaddr."""
    return int(address.split("/")[4])


async def echo(stream: Stream) -> None:
    """Send back whatever comes."""
    while (frame := await stream.receive()) is not None:
        await stream.send(frame)
