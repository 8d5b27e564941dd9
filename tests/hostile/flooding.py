"""Somebody with the network key who sends more gossip than anybody may: ``python -m tests.hostile.flooding ADDRESS KEY FOLDER``.

Every message is signed and small; nothing is wrong with any but that they are so many. Ends when it is killed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import trio
from libp2p.pubsub.pb import rpc_pb2

from .attacker import attacker
from .test_floods import packed, signed

AT_ONCE = 20
PAUSE_S = 0.5


async def flood(address: str, key: bytes, folder: Path) -> None:
    """Until killed; connects again when it was cut off."""
    while True:
        async with attacker(address, key, folder) as hostile:
            stream = await hostile.stream("/meshsub/1.1.0")
            while hostile.connected:
                sent = [signed(hostile, os.urandom(100)) for _ in range(AT_ONCE)]
                await stream.write(packed(rpc_pb2.RPC(publish=sent)))
                await trio.sleep(PAUSE_S)


if __name__ == "__main__":
    trio.run(flood, sys.argv[1], bytes.fromhex(sys.argv[2]), Path(sys.argv[3]))
