"""The library that the engine's node is built on, with only the settings without which it carries no such load.

Nothing of the engine is imported here: its node mends the library as it is loaded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import libp2p.pubsub.pubsub as library
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.rpc_queue import RpcQueue
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID, Yamux
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from benchmarks.mesh_peer import TOPIC, Hear, Publish, run

QUEUE = 4096


@asynccontextmanager
async def plain(key: bytes, addresses: list[str], make: Callable[[Publish], Hear]) -> AsyncIterator[str]:
    """The library's own host and GossipSub; its address."""
    # As delivered, both queues drop what is over 32, and over ten messages a second are dropped too.
    library.SUBSCRIPTION_CHANNEL_SIZE = QUEUE
    library.RpcQueue = partial(RpcQueue, max_size=QUEUE)
    listen = Multiaddr("/ip4/127.0.0.1/tcp/0")
    host = new_host(
        key_pair=create_new_key_pair(), listen_addrs=[listen], muxer_opt={PROTOCOL_ID: Yamux}, psk=key.hex()
    )
    router = GossipSub(
        protocols=["/meshsub/1.1.0", "/meshsub/1.0.0"], degree=6, degree_low=4, degree_high=12, heartbeat_interval=1,
        spam_protection_enabled=False,
    )  # fmt: skip
    pubsub = library.Pubsub(host, router, strict_signing=True)
    hear = make(lambda data: pubsub.publish(TOPIC, data))
    async with (
        host.run(listen_addrs=[listen]),
        background_trio_service(pubsub),
        background_trio_service(router),
        trio.open_nursery() as nursery,
    ):
        await pubsub.wait_until_ready()
        subscription = await pubsub.subscribe(TOPIC)

        async def listen_on() -> None:
            while True:
                await hear((await subscription.get()).data)

        nursery.start_soon(listen_on)
        for address in addresses:
            await host.connect(info_from_p2p_addr(Multiaddr(address)))
        yield str(host.get_addrs()[0])
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    run(plain)
