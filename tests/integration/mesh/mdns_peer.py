"""A peer with mDNS as a process of its own, for a network namespace: ``mdns_peer.py NUMBER KEY_BYTE FOLDER COUNT``.

Prints the peer ids of its links as a JSON line when it has COUNT of them, then runs until its stdin ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import trio

from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.node import Libp2pMesh
from chorus_tui.engine.protocol.identity import Identity


async def main(number: int, key: int, folder: Path, count: int) -> None:
    """Run one peer."""
    config = MeshConfig(data_dir=folder / str(number), network_key=bytes([key]) * 32, loopback_only=True)
    mesh = Libp2pMesh(Identity(bytes([number]) * 32), config)
    async with trio.open_nursery() as nursery:
        await nursery.start(mesh.run)
        while len(mesh.links()) < count:
            await trio.sleep(0.05)
        print(json.dumps(sorted(mesh.links())), flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
