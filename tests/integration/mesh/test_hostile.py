"""A hostile peer that holds the network key: whatever it sends, the node goes on serving others."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr

from chorus_tui.engine.mesh import host as hosts
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.hardening.streams import guard
from chorus_tui.engine.mesh.rules import LIMIT, POINTS

from .nodes import KEY, TOPIC, Node, identity, until, until_heard

MESHSUB = "/meshsub/1.1.0"
ATTACKER = create_new_key_pair(bytes([99]) * 32)
ATTACKER_ID = ID.from_pubkey(ATTACKER.public_key)


def framed(rpc: rpc_pb2.RPC) -> bytes:
    """An RPC as it goes over the wire."""
    data = rpc.SerializeToString()
    return encode_uvarint(len(data)) + data


def message(*, author: bytes | None = None, topics=(TOPIC,), sign: bool = True, text=b"hostile", **fields) -> bytes:
    """A frame with one message of the attacker, or of ``author``; ``fields`` are set after signing."""
    msg = rpc_pb2.Message(data=text, topicIDs=topics, from_id=author or ATTACKER_ID.to_bytes(), seqno=os.urandom(8))
    if sign:
        msg.signature = ATTACKER.private_key.sign(PUBSUB_SIGNING_PREFIX.encode() + msg.SerializeToString())
        msg.key = ATTACKER.public_key.serialize()
    for name, value in fields.items():
        setattr(msg, name, value)
    return framed(rpc_pb2.RPC(publish=[msg]))


def control(**fields) -> bytes:
    """A frame with a control message."""
    return framed(rpc_pb2.RPC(control=rpc_pb2.ControlMessage(**fields)))


VICTIM_ID = ID.from_base58(identity(1).peer_id).to_bytes()
FRAMES = {
    "garbage": b"\x20" + bytes(range(200, 232)),
    "truncated message": b"\x05\x12\x7f\x0a\x01\x00",
    "length of 50 MB": encode_uvarint(50_000_000) + b"x" * 1000,
    "endless varint": b"\xff" * 64,
    "empty frame": b"\x00",
    "unsigned": message(sign=False),
    "bad signature": message(signature=b"x" * 64),
    # Truly the attacker's own: its id holds the key, so the broken one beside it counts for nothing.
    "bad key": message(text=b"genuine", key=b"\xff\xff\xff"),
    "bad key, hashed sender": message(author=bytes.fromhex("1220") + bytes(32), key=b"junk"),
    "empty sender, junk key": message(from_id=b"", key=b"junk"),
    "sender of junk": message(author=b"\xff\x00junk"),
    "forged sender": message(author=ID.from_base58(identity(2).peer_id).to_bytes()),
    "our own id": message(author=VICTIM_ID),
    "no topic": message(topics=()),
    "two topics": message(topics=(TOPIC, "other")),
    "empty topic": message(topics=("",)),
    "bad record": framed(rpc_pb2.RPC(senderRecord=b"\xff\xfe")),
    "too many subscriptions": framed(
        rpc_pb2.RPC(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=str(n)) for n in range(5000)])
    ),
    "subscription to nothing": framed(rpc_pb2.RPC(subscriptions=[rpc_pb2.RPC.SubOpts()])),
    "graft of an unknown topic": control(graft=[rpc_pb2.ControlGraft(topicID="nowhere")]),
    "empty graft": control(graft=[rpc_pb2.ControlGraft()]),
    "iwant of junk": control(iwant=[rpc_pb2.ControlIWant(messageIDs=[b"\xff\xfe", b"zz", b""])]),
    "ihave of junk": control(ihave=[rpc_pb2.ControlIHave(topicID=TOPIC, messageIDs=[b"\xff", b"0" * 99_999])]),
    "prune with bad peers": control(
        prune=[
            rpc_pb2.ControlPrune(
                topicID=TOPIC, backoff=2**62, peers=[rpc_pb2.PeerInfo(peerID=b"\xff", signedPeerRecord=b"\xff")]
            )
        ]
    ),
}


@asynccontextmanager
async def attacker(address: str, folder) -> AsyncIterator:
    """A bare libp2p host, connected to the victim."""
    config = MeshConfig(data_dir=folder, network_key=KEY)
    host = hosts.make(identity(99), config, list)
    async with host.run(listen_addrs=[hosts.listen_address(config)]):
        guard(host)
        await host.connect(info_from_p2p_addr(Multiaddr(address)))
        yield host
        with trio.CancelScope(shield=True), trio.move_on_after(2):
            await host.close()


async def test_no_frame_ends_the_node(tmp_path) -> None:
    """After each hostile frame of the list the node still brings a friend's message, and none of the hostile ones."""
    async with trio.open_nursery() as nursery:
        victim = Node(1, tmp_path)
        address = await victim.start(nursery)
        friend = Node(2, tmp_path, bootstrap=[address])
        await friend.start(nursery)
        await until_heard(friend, victim, b"before")
        async with attacker(address, tmp_path) as host:
            peer = ID.from_base58(victim.peer_id)
            for name, frame in FRAMES.items():
                stream = await host.new_stream(peer, [MESHSUB])
                await stream.write(frame)
                await until_heard(friend, victim, b"after " + name.encode())
                await stream.reset()
        refused = victim.mesh.counters.refused

        assert b"hostile" not in victim.heard
        assert b"hostile" not in friend.heard
        assert refused["bad frame"] >= 3
        assert refused["bad message"] >= 2
        assert refused["malformed"] >= 1
        assert refused["bad peer record"] == refused["too many subscriptions"] == 1
        assert friend.changes == [(victim.peer_id, True)]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "protocol", ["/ipfs/ping/1.0.0", "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/chorus/addresses/1.0.0", "/t/echo/1"]
)
async def test_junk_on_other_protocols(tmp_path, protocol) -> None:
    """Junk on every protocol the node speaks costs the stream at most."""

    async def echo(stream) -> None:
        while (frame := await stream.receive(100)) is not None:
            await stream.send(frame)

    async with trio.open_nursery() as nursery:
        victim = Node(1, tmp_path)
        victim.mesh.serve("/t/echo/1", echo)
        address = await victim.start(nursery)
        friend = Node(2, tmp_path, bootstrap=[address])
        await friend.start(nursery)
        async with attacker(address, tmp_path) as host:
            for junk in (b"\xff" * 1000, b"\x00\x00\x00\x05[[[[[", b"\x00" * 7):
                stream = await host.new_stream(ID.from_base58(victim.peer_id), [protocol])
                await stream.write(junk)
                await stream.close_write()
            await until_heard(friend, victim, b"after")
        nursery.cancel_scope.cancel()


async def test_a_failing_handler_of_the_library(tmp_path) -> None:
    """An exception in a handler that is not ours, or before any handler, costs the stream."""

    async def fail(_stream) -> None:
        raise RuntimeError("a bug")

    async with trio.open_nursery() as nursery:
        victim = Node(1, tmp_path)
        address = await victim.start(nursery)
        victim.mesh._host.set_stream_handler("/t/fail/1", fail)
        friend = Node(2, tmp_path, bootstrap=[address])
        await friend.start(nursery)
        async with attacker(address, tmp_path) as host:
            await host.new_stream(ID.from_base58(victim.peer_id), ["/t/fail/1"])
            await until_heard(friend, victim, b"after")
        nursery.cancel_scope.cancel()


async def test_raw_noise_on_the_port(tmp_path) -> None:
    """Bytes that are no libp2p at all, many at once, and half-open connections do not keep friends out."""
    async with trio.open_nursery() as nursery:
        victim = Node(1, tmp_path)
        address = await victim.start(nursery)
        port = int(address.split("/")[4])
        for _ in range(10):
            raw = await trio.open_tcp_stream("127.0.0.1", port)
            await raw.send_all(os.urandom(5000))
            await raw.aclose()
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(10)]
        friend = Node(2, tmp_path, bootstrap=[address])
        await friend.start(nursery)
        await until_heard(friend, victim, b"after")
        for raw in silent:
            await raw.aclose()
        nursery.cancel_scope.cancel()


async def test_a_persistent_offender_is_dropped_for_a_while(tmp_path) -> None:
    """Bad frames beyond what a minute allows end the link, and a new one is refused; friends stay."""
    async with trio.open_nursery() as nursery:
        victim = Node(1, tmp_path)
        address = await victim.start(nursery)
        friend = Node(2, tmp_path, bootstrap=[address])
        await friend.start(nursery)
        await until_heard(friend, victim, b"before")
        async with attacker(address, tmp_path) as host:
            peer = ID.from_base58(victim.peer_id)
            stream = await host.new_stream(peer, [MESHSUB])
            await stream.write(FRAMES["bad record"] * int(LIMIT / POINTS + 5))
            await until(lambda: str(ATTACKER_ID) not in victim.mesh.links())
            await host.disconnect(peer)
            await host.connect(info_from_p2p_addr(Multiaddr(address)))
            await until(lambda: not host.get_network().get_connections(peer))

        assert friend.linked_to() == {victim.peer_id}
        nursery.cancel_scope.cancel()
