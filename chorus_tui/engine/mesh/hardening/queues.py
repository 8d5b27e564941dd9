"""Room for bursts.

Reason: the queue of frames to each peer holds 32, fixed in the code; what is over is dropped without an error (of 200
messages published at once 16 to 32 arrived).
"""

from __future__ import annotations

import functools
from typing import Final

import libp2p.pubsub.pubsub as library
from libp2p.pubsub.rpc_queue import RpcQueue

SIZE: Final = 4096


def install() -> None:
    """Make every queue to a peer hold :data:`SIZE` frames."""
    library.RpcQueue = functools.partial(RpcQueue, max_size=SIZE)
    library.SUBSCRIPTION_CHANNEL_SIZE = SIZE
