"""Room for bursts.

Reason: the queue of frames to each peer holds 32, fixed in the code; what is over is dropped without an error (of 200
messages published at once 16 to 32 arrived). What is sent is split into frames that the other side takes; a larger one would
be refused there, and held against us.
"""

from __future__ import annotations

import functools
from typing import Final

import libp2p.pubsub.pubsub as library
from libp2p.pubsub.rpc_queue import RpcQueue

from chorus_tui.engine.mesh.limits import MAX_RPC

SIZE: Final = 4096


def install() -> None:
    """Make every queue to a peer hold :data:`SIZE` frames of at most :data:`MAX_RPC` bytes."""
    library.RpcQueue = functools.partial(RpcQueue, max_size=SIZE, max_message_size=MAX_RPC)
    library.SUBSCRIPTION_CHANNEL_SIZE = SIZE
