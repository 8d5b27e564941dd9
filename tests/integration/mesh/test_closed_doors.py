"""What real nodes let nobody do: other keys, plaintext, more than the bounds, dialling unasked."""

from __future__ import annotations

import socket

import pytest
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from multiaddr import Multiaddr

from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.hardening.records import remembered
from chorus_tui.engine.mesh.interface import (
    MeshError,
    Unreachable,
)
from chorus_tui.engine.mesh.node import Libp2pMesh
from tests.support.patience import PATIENCE

from .nodes import KEY, Node, identity, until, until_heard


@pytest.mark.parametrize("other", [bytes(32), None], ids=["wrong", "none"])
async def test_another_network_key_never_connects(tmp_path, other) -> None:
    """Neither side of a wrong or missing key gets a link, and the dialler is told what it may be."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path, network_key=other)
        first, second = await a.start(nursery), await b.start(nursery)
        for dialler, address in ((b, first), (a, second), (b, first.partition("/p2p/")[0])):
            with pytest.raises(Unreachable):
                await dialler.mesh.connect(address, timeout=2)

        assert a.changes == b.changes == []
        nursery.cancel_scope.cancel()


async def test_what_the_library_keeps_of_peers_is_bounded(tmp_path) -> None:
    """The verified record of a peer is remembered once and dropped with the link; delivery times are cleared."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        address = await b.start(nursery)
        await a.start(nursery)
        await a.mesh.connect(address)
        await until_heard(a, b, b"one")
        await until_heard(b, a, b"two")
        pubsub = b.mesh._gossip._pubsub
        assert remembered(b.mesh._host) == 1
        assert pubsub.router.recent_message_deliveries
        nursery.start_soon(pubsub.clear_leaks, 0.01)
        await until(lambda: not pubsub.router.recent_message_deliveries)
        await a.stop()
        await until(lambda: not b.mesh.links())

        assert remembered(b.mesh._host) == 0
        assert pubsub._allowances == {}
        nursery.cancel_scope.cancel()


async def test_places_of_past_connections_are_free_again(tmp_path) -> None:
    """A node that allows five connections takes in a sixth and a twelfth peer when the ones before have gone."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path, max_connections=5)
        address = await a.start(nursery)
        for _ in range(12):
            b = Node(2, tmp_path)
            await b.start(nursery)
            await b.mesh.connect(address, timeout=3 * PATIENCE)
            await b.stop()
            await until(lambda: not a.mesh.links(), 3)

        assert a.changes.count((b.peer_id, True)) == 12
        nursery.cancel_scope.cancel()


async def test_the_library_dials_nobody(tmp_path) -> None:
    """A peer whose addresses the library has heard is not dialled by it, nor for a stream: only the keeper does that."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        address = await b.start(nursery)
        await a.start(nursery)
        swarm = a.mesh._host.get_network()
        swarm.peerstore.add_addrs(ID.from_base58(b.peer_id), [Multiaddr(address.partition("/p2p/")[0])], 600)
        swarm.connection_config.low_watermark = 50
        await swarm.auto_connector.maybe_connect()
        with pytest.raises(SwarmException, match="no connection"):
            await a.mesh._host.new_stream(ID.from_base58(b.peer_id), ["/ipfs/ping/1.0.0"])

        assert a.changes == b.changes == []
        nursery.cancel_scope.cancel()


async def test_plaintext_is_refused(tmp_path) -> None:
    """A host that offers plaintext only, with the network key, gets no connection."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        address = await a.start(nursery)
        keys = create_new_key_pair(bytes([77]) * 32)
        plain = new_host(key_pair=keys, psk=KEY.hex(), sec_opt={PLAINTEXT_PROTOCOL_ID: InsecureTransport(keys)})
        async with plain.run(listen_addrs=[Multiaddr("/ip4/127.0.0.1/tcp/0")]):
            with pytest.raises(Exception, match="unable to connect"):
                await plain.connect(info_from_p2p_addr(Multiaddr(address)))
            await plain.close()

        assert a.changes == []
        nursery.cancel_scope.cancel()


async def test_what_cannot_listen_says_so(tmp_path) -> None:
    """A port in use and a host that is no address are errors that name the setting or the form."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = MeshConfig(data_dir=tmp_path, network_key=KEY, mdns=False, p2p_port=taken.getsockname()[1])
        with pytest.raises(MeshError, match="CHORUS_P2P_PORT"):
            await Libp2pMesh(identity(1), config).run()
    with pytest.raises(MeshError, match="not an IP address"):
        await Libp2pMesh(identity(1), MeshConfig(data_dir=tmp_path, listen_host="nowhere", mdns=False)).run()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nonsense", "not a multiaddr"),
        ("/ip4/127.0.0.1/tcp/1", "refused"),
        ("/dns4/no-such-host.invalid/tcp/4001", "no such host|within 2 s"),
    ],
)
async def test_why_a_dial_failed(tmp_path, address, reason) -> None:
    """The reason is in words, and in time."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        await a.start(nursery)
        with pytest.raises(Unreachable, match=reason):
            await a.mesh.connect(address, timeout=2)
        nursery.cancel_scope.cancel()
