"""The engine's own node, measured by :mod:`benchmarks.mesh`."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from benchmarks.mesh_peer import TOPIC, Hear, Publish, run
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.hardening import pubsub
from chorus_tui.engine.mesh.node import Libp2pMesh
from chorus_tui.engine.protocol.identity import Identity


def engine_node(folder: Path, key: bytes, identity: Identity | None = None) -> Libp2pMesh:
    """As the engine makes it, on loopback."""
    return Libp2pMesh(identity or Identity.generate(), MeshConfig(folder, network_key=key, mdns=False))


@asynccontextmanager
async def ours(key: bytes, addresses: list[str], make: Callable[[Publish], Hear]) -> AsyncIterator[str]:
    """The engine's node, with the network key as every peer has it; its address."""
    # How much one peer may bring is a rule of conduct; here is asked how much could be taken.
    pubsub.MESSAGES_PER_SECOND = pubsub.STRANGERS_PER_SECOND = 1e6
    pubsub.BYTES_PER_SECOND = 1e9
    with tempfile.TemporaryDirectory(prefix="chorus-bench-") as folder:
        mesh = engine_node(Path(folder), key)
        hear = make(lambda data: mesh.publish(TOPIC, data))
        mesh.on_gossip(lambda _topic, data, _author: hear(data))
        await mesh.join(TOPIC)
        async with trio.open_nursery() as nursery:
            await nursery.start(mesh.run)
            for address in addresses:
                await mesh.connect(address)
            yield mesh.addresses()[0]
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    run(ours)
