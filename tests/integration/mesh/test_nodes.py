"""Real nodes: gossip, streams, the network key, loss and return of peers."""

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

from chorus_tui.engine.mesh import links
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.hardening.records import remembered
from chorus_tui.engine.mesh.hardening.yamux import cut
from chorus_tui.engine.mesh.interface import (
    MAX_FRAME,
    FrameTooLarge,
    MeshError,
    NotJoined,
    Stream,
    StreamClosed,
    Unreachable,
    Verdict,
)
from chorus_tui.engine.mesh.limits import MAX_GOSSIP, STREAMS_PER_PEER
from chorus_tui.engine.mesh.node import Libp2pMesh

from .nodes import KEY, TOPIC, Freezer, Node, identity, until, until_heard


def port_of(address: str) -> int:
    """The TCP port of a multiaddr."""
    return int(address.split("/")[4])


async def echo(stream: Stream) -> None:
    """Send back whatever comes."""
    while (frame := await stream.receive()) is not None:
        await stream.send(frame)


async def test_a_burst_arrives_whole_and_in_order(tmp_path) -> None:
    """500 messages published without a pause all arrive, in their order; the author does not hear itself."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        b = Node(2, tmp_path, bootstrap=[await a.start(nursery)])
        await b.start(nursery)
        await until_heard(a, b, b"first")
        before = len(b.heard)
        for n in range(500):
            await a.mesh.publish(TOPIC, b"%d" % n)
        await until(lambda: len(b.heard) >= before + 500)

        assert [d for d in b.heard if d != b"first"] == [b"%d" % n for n in range(500)]
        assert a.heard == []
        nursery.cancel_scope.cancel()


async def test_streams_carry_large_frames_and_half_close(tmp_path) -> None:
    """Frames from 0 bytes to 1 MiB come back as sent, one more byte is refused, an end is seen as None."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        b.mesh.serve("/t/echo/1", echo)
        await a.start(nursery)
        await a.mesh.connect(await b.start(nursery))
        stream = await a.mesh.open(b.peer_id, "/t/echo/1")
        for size in (0, 1, 70_000, MAX_FRAME):
            await stream.send(b"x" * size)
            assert await stream.receive() == b"x" * size
        with pytest.raises(FrameTooLarge):
            await stream.send(b"x" * (MAX_FRAME + 1))
        await stream.finish()
        assert await stream.receive() is None
        await stream.close()
        with pytest.raises(Unreachable):
            await a.mesh.open(b.peer_id, "/t/unknown/1")
        nursery.cancel_scope.cancel()


async def test_a_frame_over_the_receivers_limit_is_not_read(tmp_path) -> None:
    """The length is refused before the bytes come, and the sender learns that the stream is gone."""
    seen: list[str] = []

    async def small(stream: Stream) -> None:
        try:
            await stream.receive(limit=10)
        except FrameTooLarge:
            seen.append("refused")
            raise

    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        b.mesh.serve("/t/small/1", small)
        await a.start(nursery)
        await a.mesh.connect(await b.start(nursery))
        stream = await a.mesh.open(b.peer_id, "/t/small/1")
        await stream.send(b"x" * 11)
        with pytest.raises(StreamClosed):
            await stream.receive()
        await until(lambda: seen == ["refused"])  # the reset may arrive before its sender's next step
        nursery.cancel_scope.cancel()


async def test_gate_limit_and_failing_handlers(tmp_path) -> None:
    """The gate closes a stream before its handler runs, a handler that raises loses its stream only, and one peer holds
    a bounded number of streams; each is counted.
    """

    async def fail(_stream: Stream) -> None:
        raise RuntimeError("a bug")

    async def hold(stream: Stream) -> None:
        await stream.receive()

    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        b.mesh.serve("/t/fail/1", fail)
        b.mesh.serve("/t/hold/1", hold)
        b.mesh.serve("/t/secret/1", hold)
        b.mesh.set_gate(lambda _peer, protocol: protocol != "/t/secret/1")
        await a.start(nursery)
        await a.mesh.connect(await b.start(nursery))
        for protocol in ("/t/fail/1", "/t/secret/1"):
            stream = await a.mesh.open(b.peer_id, protocol)
            with pytest.raises(StreamClosed):
                await stream.receive()
        held = [await a.mesh.open(b.peer_id, "/t/hold/1") for _ in range(STREAMS_PER_PEER)]
        over = await a.mesh.open(b.peer_id, "/t/hold/1")
        with pytest.raises(StreamClosed):
            await over.receive()
        for stream in held:
            await stream.close()

        assert b.mesh.counters.refused == {"handler failed": 1, "gate": 1, "too many streams": 1}
        nursery.cancel_scope.cancel()


async def test_a_cancelled_write_does_not_break_the_connection(tmp_path) -> None:
    """A task cancelled while it sends costs its stream; the link and other streams go on."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        b.mesh.serve("/t/echo/1", echo)

        async def deaf(_stream: Stream) -> None:
            await trio.sleep_forever()

        b.mesh.serve("/t/deaf/1", deaf)
        await a.start(nursery)
        await a.mesh.connect(await b.start(nursery))
        for _ in range(5):
            stream = await a.mesh.open(b.peer_id, "/t/deaf/1")
            with trio.move_on_after(0.02):
                while True:
                    await stream.send(b"x" * 300_000)
            with pytest.raises(StreamClosed):
                await stream.send(b"more")
        other = await a.mesh.open(b.peer_id, "/t/echo/1")
        await other.send(b"alive")

        assert await other.receive() == b"alive"
        assert a.changes == [(b.peer_id, True)]
        nursery.cancel_scope.cancel()


async def test_publishing_is_refused_without_joining_and_over_size(tmp_path) -> None:
    """A topic not joined and a message too large are errors at once."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        await a.start(nursery)
        with pytest.raises(NotJoined):
            await a.mesh.publish("CHORUS/other/v1", b"x")
        with pytest.raises(FrameTooLarge):
            await a.mesh.publish(TOPIC, b"x" * (MAX_GOSSIP + 1))
        nursery.cancel_scope.cancel()


async def test_refused_messages_are_not_forwarded(tmp_path) -> None:
    """In a line a - b - c, what b's validator refuses or trips over never reaches c; what it accepts does."""

    def judge(_topic: str, data: bytes, _author: str, _forwarder: str) -> Verdict:
        if data == b"trip":
            raise RuntimeError("a bug")
        return Verdict.REJECT if data == b"bad" else Verdict.ACCEPT

    async with trio.open_nursery() as nursery:
        a, b, c = Node(1, tmp_path), Node(2, tmp_path), Node(3, tmp_path)
        b.mesh.set_validator(judge)
        await a.mesh.forget(c.peer_id)
        await c.mesh.forget(a.peer_id)
        address = await b.start(nursery)
        for node in (a, c):
            await node.start(nursery)
            await node.mesh.connect(address)
        await until_heard(a, c, b"good")
        await a.mesh.publish(TOPIC, b"bad")
        await a.mesh.publish(TOPIC, b"trip")
        await a.mesh.publish(TOPIC, b"last")
        await until(lambda: b"last" in c.heard)

        assert set(c.heard) == {b"good", b"last"} == set(b.heard)
        assert b.mesh.counters.refused["validator"] == b.mesh.counters.refused["validator failed"] == 1
        nursery.cancel_scope.cancel()


async def test_leaving_and_returning_to_a_topic(tmp_path) -> None:
    """After leaving nothing is delivered; after returning messages flow both ways within seconds, not minutes."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        b = Node(2, tmp_path, bootstrap=[await a.start(nursery)])
        await b.start(nursery)
        await until_heard(a, b, b"one")
        for node in (a, b):
            await node.mesh.join("CHORUS/other/v1")
        await b.mesh.leave(TOPIC)
        await a.mesh.publish(TOPIC, b"unheard")
        while b"marker" not in b.heard:
            await a.mesh.publish("CHORUS/other/v1", b"marker")
            await trio.sleep(0.1)
        assert b"unheard" not in b.heard
        await b.mesh.join(TOPIC)
        await until_heard(a, b, b"two", seconds=6)
        await until_heard(b, a, b"three", seconds=6)
        nursery.cancel_scope.cancel()


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


async def test_five_peers_outlive_their_bootstrap_peer(tmp_path) -> None:
    """Peers that know one address only end fully connected, and stay so when that peer is gone."""
    async with trio.open_nursery() as nursery:
        hub = Node(1, tmp_path)
        place = (await hub.start(nursery)).partition("/p2p/")[0]
        others = [Node(n, tmp_path, bootstrap=[place]) for n in range(2, 7)]
        for node in others:
            nursery.start_soon(node.start, nursery)
        everybody = {node.peer_id for node in (hub, *others)}
        await until(lambda: all(node.linked_to() == everybody - {node.peer_id} for node in (hub, *others)), 20)
        await hub.stop()
        rest = everybody - {hub.peer_id}
        await until(lambda: all(node.linked_to() == rest - {node.peer_id} for node in others), 3)
        await until_heard(others[0], others[4], b"without the hub")
        # A restarted peer finds them from its own address book, though its bootstrap peer is gone.
        await others[0].stop()
        again = Node(2, tmp_path, bootstrap=[place])
        await again.start(nursery)
        await until(lambda: again.linked_to() == rest - {again.peer_id}, 10)

        assert again.mesh.problems()[0].startswith("bootstrap peer not reached")
        nursery.cancel_scope.cancel()


async def test_both_dial_at_once(tmp_path) -> None:
    """Two peers that dial each other in the same moment end with a link that carries streams both ways."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        for node in (a, b):
            node.mesh.serve("/t/echo/1", echo)
        places = await a.start(nursery), await b.start(nursery)
        async with trio.open_nursery() as dialling:
            dialling.start_soon(a.mesh.connect, places[1])
            dialling.start_soon(b.mesh.connect, places[0])
        for opener, server in ((a, b), (b, a)):
            stream = await opener.mesh.open(server.peer_id, "/t/echo/1")
            await stream.send(b"hello")
            assert await stream.receive() == b"hello"
        await until_heard(a, b, b"from a")
        await until_heard(b, a, b"from b")

        assert (a.linked_to(), b.linked_to()) == ({b.peer_id}, {a.peer_id})
        nursery.cancel_scope.cancel()


async def test_a_frozen_path_is_noticed_and_redialled(tmp_path) -> None:
    """A path that carries nothing without closing is suspect, then cut; when it carries again, peers meet again."""
    async with trio.open_nursery() as nursery:
        a = Node(1, tmp_path)
        freezer = Freezer(port_of(await a.start(nursery)))
        await nursery.start(freezer.run)
        b = Node(2, tmp_path, bootstrap=[f"/ip4/127.0.0.1/tcp/{freezer.port}/p2p/{a.peer_id}"])
        await a.mesh.forget(b.peer_id)  # else a dials b directly, past the proxy
        await b.start(nursery)
        await until_heard(a, b, b"before")
        link = b.mesh.links()[a.peer_id]
        freezer.freeze()
        await until(lambda: link.suspect, 4)
        await until(lambda: (b.peer_id, False) in a.changes and (a.peer_id, False) in b.changes, 8)
        freezer.thaw()
        await until_heard(a, b, b"after")
        await until_heard(b, a, b"back")
        nursery.cancel_scope.cancel()


def cut_links(node: Node, other: Node) -> None:
    """Close the sockets beneath all connections of ``node`` to ``other``."""
    for conn in node.mesh._host.get_network().get_connections(ID.from_base58(other.peer_id)):
        cut(conn.muxed_conn)


async def test_a_link_that_was_cut_stays_down_until_the_keeper_dials(tmp_path) -> None:
    """Neither a ping nor gossip that meets the end of its link makes a new one past the keeper's pause."""
    async with trio.open_nursery() as nursery:
        a, b = (Node(n, tmp_path, redial=(60, 60), ping_interval=0.05) for n in (1, 2))
        address = await a.start(nursery)
        await b.start(nursery)
        await b.mesh.connect(address)
        await until_heard(a, b, b"before")
        cut_links(b, a)
        await until(lambda: not a.mesh.links() and not b.mesh.links())
        for _ in range(20):
            await a.mesh.publish(TOPIC, b"to nobody")
            await trio.sleep(0.05)

        assert a.changes == [(b.peer_id, True), (b.peer_id, False)]
        assert b.changes == [(a.peer_id, True), (a.peer_id, False)]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("redial", [(60, 60), (0, 0.001)], ids=["by hand", "by the keeper"])
async def test_a_link_that_is_back_at_once_carries_gossip(tmp_path, redial) -> None:
    """Cut by either side and made again before the library's queue heard of it, a link is not deaf."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path, redial=redial), Node(2, tmp_path, redial=redial)
        address = await a.start(nursery)
        await b.start(nursery)
        await b.mesh.connect(address)
        for round_ in range(6):
            await until_heard(a, b, b"to b %d" % round_, seconds=5)
            await until_heard(b, a, b"to a %d" % round_, seconds=5)
            one, other = ((a, b), (b, a))[round_ % 2]
            lost = len(b.changes)
            cut_links(one, other)
            await until(lambda lost=lost: len(b.changes) > lost)
            await b.mesh.connect(address)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("dialled", ["by the lost", "by the other"])
async def test_a_peer_that_is_back_before_its_end_was_seen_is_heard(tmp_path, monkeypatch, dialled) -> None:
    """When a peer's path dies without a word and it dials anew, its old connection is closed, whoever had made it, and
    the new one carries gossip both ways, long before a ping is missed."""
    monkeypatch.setattr(links, "DIAL_TAKES_S", 0.0)  # as if the first connection were old
    async with trio.open_nursery() as nursery:
        a, b = (Node(n, tmp_path, redial=(60, 60), ping_interval=60) for n in (1, 2))
        places = {node: await node.start(nursery) for node in (a, b)}
        first, second = (b, a) if dialled == "by the lost" else (a, b)
        freezer = Freezer(port_of(places[second]))
        await nursery.start(freezer.run)
        await first.mesh.connect(f"/ip4/127.0.0.1/tcp/{freezer.port}/p2p/{second.peer_id}")
        await until_heard(a, b, b"before")
        freezer.freeze()
        cut_links(b, a)
        await until(lambda: not b.mesh.links())
        await b.mesh.connect(places[a])
        await until_heard(a, b, b"after", seconds=5)
        await until_heard(b, a, b"back", seconds=5)

        assert len(a.mesh._host.get_network().get_connections(ID.from_base58(b.peer_id))) == 1
        assert a.changes == [(b.peer_id, True)]
        nursery.cancel_scope.cancel()


async def test_a_restart_with_the_same_identity_loses_nothing(tmp_path) -> None:
    """Messages of a restarted node are not taken for those it sent before."""
    async with trio.open_nursery() as nursery:
        b = Node(2, tmp_path)
        address = await b.start(nursery)
        for round_ in range(2):
            a = Node(1, tmp_path, bootstrap=[address])
            await a.start(nursery)
            await until_heard(a, b, b"ready %d" % round_)
            for n in range(100):
                await a.mesh.publish(TOPIC, b"%d/%d" % (round_, n))
            wanted = {b"%d/%d" % (round_, n) for n in range(100)}
            await until(lambda wanted=wanted: wanted <= set(b.heard))
            await a.stop()
            await until(lambda: not b.mesh.links(), 3)
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
            await b.mesh.connect(address, timeout=3)
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


async def test_forgetting_closes_and_stops_redialling(tmp_path) -> None:
    """A forgotten peer is disconnected and not dialled; connecting by hand takes it back."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path)
        address = await b.start(nursery)
        await a.start(nursery)
        await a.mesh.connect(address)
        await b.mesh.forget(a.peer_id)
        await a.mesh.forget(b.peer_id)
        await until(lambda: not a.mesh.links() and not b.mesh.links())
        await trio.sleep(1.5)
        assert a.changes == [(b.peer_id, True), (b.peer_id, False)]
        await a.mesh.connect(address)

        assert a.linked_to() == {b.peer_id}
        nursery.cancel_scope.cancel()


async def test_the_end_is_quick_and_peers_see_it(tmp_path) -> None:
    """A node that ends is gone from its peers within a second, even with a link that carries nothing any more."""
    async with trio.open_nursery() as nursery:
        a, b = Node(1, tmp_path), Node(2, tmp_path, ping_interval=60)
        freezer = Freezer(port_of(await a.start(nursery)))
        await nursery.start(freezer.run)
        c = Node(3, tmp_path, ping_interval=60)
        await b.start(nursery)
        await c.start(nursery)
        await c.mesh.connect(b.mesh.addresses()[0])
        await b.mesh.forget(a.peer_id)
        await b.mesh.connect(f"/ip4/127.0.0.1/tcp/{freezer.port}/p2p/{a.peer_id}")
        freezer.freeze()
        for _ in range(40):
            await b.mesh.publish(TOPIC, b"x" * 200_000)
        await trio.sleep(0.1)
        began = trio.current_time()
        await b.stop()
        assert trio.current_time() - began < 2
        await until(lambda: b.peer_id not in c.mesh.links(), 1)
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
