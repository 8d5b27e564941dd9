"""The simulated network: what it carries, what it loses, and that it replays."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.mesh.interface import FrameTooLarge, NotJoined, Stream, StreamClosed, Unreachable, Verdict
from chorus_tui.engine.mesh.limits import MAX_GOSSIP
from chorus_tui.engine.mesh.simulated import SimulatedMesh, SimulatedNetwork
from chorus_tui.engine.protocol.identity import Identity

TOPIC = "CHORUS/coordination/v1"


def identities(count: int) -> list[Identity]:
    """As many identities, always the same."""
    return [Identity(bytes([n + 1]) * 32) for n in range(count)]


class Heard:
    """A peer that joins one topic and remembers what it heard."""

    def __init__(self, network: SimulatedNetwork, identity: Identity, **options) -> None:
        self.mesh = network.mesh(identity, **options)
        self.got: list[tuple[bytes, str]] = []
        self.changes: list[tuple[str, bool]] = []
        self.mesh.on_gossip(self.hear)
        self.mesh.on_link(lambda peer, up: self.changes.append((peer, up)))

    async def hear(self, _topic: str, data: bytes, author: str) -> None:
        self.got.append((data, author))

    async def start(self, nursery: trio.Nursery) -> SimulatedMesh:
        await nursery.start(self.mesh.run)
        await self.mesh.join(TOPIC)
        return self.mesh


async def test_gossip_reaches_all_others_and_not_the_author(autojump_clock) -> None:
    """A message reaches every other joined peer once, with its author, and never comes back to the author."""
    network = SimulatedNetwork(SeededEntropy(1))
    async with trio.open_nursery() as nursery:
        peers = [Heard(network, identity) for identity in identities(4)]
        for peer in peers:
            await peer.start(nursery)
        await trio.sleep(6)
        await peers[0].mesh.publish(TOPIC, b"hello")
        await trio.sleep(1)

        assert [p.got for p in peers] == [[], *[[(b"hello", peers[0].mesh.peer_id)]] * 3]
        nursery.cancel_scope.cancel()


async def test_a_refused_message_is_neither_delivered_nor_forwarded(autojump_clock) -> None:
    """What the validator of the only path refuses does not reach the peer behind it."""
    network = SimulatedNetwork(SeededEntropy(1))
    async with trio.open_nursery() as nursery:
        a, b, c = (Heard(network, identity) for identity in identities(3))
        b.mesh.set_validator(lambda *_: Verdict.REJECT)
        for peer in (a, b, c):
            await peer.start(nursery)
        network.cut(a.mesh.peer_id, c.mesh.peer_id)
        await trio.sleep(20)
        await a.mesh.publish(TOPIC, b"x")
        await trio.sleep(1)

        assert (b.got, c.got, b.mesh.counters.refused) == ([], [], {"validator": 1})
        nursery.cancel_scope.cancel()


async def test_streams_carry_frames_in_order_and_half_close(autojump_clock) -> None:
    """Frames arrive in order despite jitter and loss; after finish the other direction still works."""
    network = SimulatedNetwork(SeededEntropy(2))
    network.loss = 0.2

    async def count(stream: Stream) -> None:
        frames = []
        while (frame := await stream.receive()) is not None:
            frames.append(frame)
        await stream.send(b",".join(frames))

    async with trio.open_nursery() as nursery:
        a, b = (Heard(network, identity) for identity in identities(2))
        b.mesh.serve("/t/1", count)
        for peer in (a, b):
            await peer.start(nursery)
        stream = await a.mesh.open(b.mesh.peer_id, "/t/1")
        for n in range(200):
            await stream.send(str(n).encode())
        await stream.finish()

        assert await stream.receive() == b",".join(str(n).encode() for n in range(200))
        nursery.cancel_scope.cancel()


async def test_the_gate_and_unknown_protocols(autojump_clock) -> None:
    """A peer the gate refuses finds its stream closed; an unknown protocol is an error at once."""
    network = SimulatedNetwork(SeededEntropy(2))

    async def never(_stream: Stream) -> None:
        raise AssertionError("the gate let it through")

    async with trio.open_nursery() as nursery:
        a, b = (Heard(network, identity) for identity in identities(2))
        b.mesh.serve("/t/1", never)
        b.mesh.set_gate(lambda _peer, _protocol: False)
        for peer in (a, b):
            await peer.start(nursery)
        stream = await a.mesh.open(b.mesh.peer_id, "/t/1")
        with pytest.raises(StreamClosed):
            await stream.receive()
        with pytest.raises(Unreachable, match="does not speak"):
            await a.mesh.open(b.mesh.peer_id, "/t/2")
        nursery.cancel_scope.cancel()


async def test_a_cut_breaks_links_and_healing_brings_them_back(autojump_clock) -> None:
    """A one-way cut is noticed on both sides after the detection time; after healing peers link again and talk."""
    network = SimulatedNetwork(SeededEntropy(3))
    async with trio.open_nursery() as nursery:
        a, b = (Heard(network, identity) for identity in identities(2))
        for peer in (a, b):
            await peer.start(nursery)
        await trio.sleep(6)
        network.cut(a.mesh.peer_id, b.mesh.peer_id, one_way=True)
        await a.mesh.publish(TOPIC, b"lost")
        await trio.sleep(network.detection + 1)
        assert (a.mesh.links(), b.mesh.links(), b.got) == ({}, {}, [])
        network.heal()
        await trio.sleep(6)
        await a.mesh.publish(TOPIC, b"kept")
        await trio.sleep(1)

        assert [data for data, _ in b.got] == [b"kept"]
        assert [up for _, up in a.changes] == [True, False, True]
        nursery.cancel_scope.cancel()


async def test_crash_and_restart(autojump_clock) -> None:
    """A crash breaks links and streams at once; the same identity comes back and is linked."""
    network = SimulatedNetwork(SeededEntropy(4))
    first, second = identities(2)

    async def wait(stream: Stream) -> None:
        await stream.receive()

    async with trio.open_nursery() as nursery:
        a, b = Heard(network, first), Heard(network, second)
        b.mesh.serve("/t/1", wait)
        for peer in (a, b):
            await peer.start(nursery)
        await trio.sleep(6)
        stream = await a.mesh.open(second.peer_id, "/t/1")
        network.crash(second.peer_id)
        with pytest.raises(StreamClosed):
            await stream.receive()
        with pytest.raises(Unreachable):
            await a.mesh.open(second.peer_id, "/t/1")
        again = Heard(network, second)
        await again.start(nursery)
        await trio.sleep(6)

        assert list(a.mesh.links()) == [second.peer_id]
        nursery.cancel_scope.cancel()


async def test_without_discovery_bootstrap_introduces_everybody(autojump_clock) -> None:
    """Peers that know one address only learn of each other through it, and stay linked when it dies."""
    network = SimulatedNetwork(SeededEntropy(5), discovery=False)
    async with trio.open_nursery() as nursery:
        keys = identities(4)
        hub = Heard(network, keys[0])
        peers = [Heard(network, key, bootstrap=[network.address(keys[0].peer_id)]) for key in keys[1:]]
        for peer in (hub, *peers):
            await peer.start(nursery)
        await trio.sleep(20)
        network.crash(keys[0].peer_id)
        await trio.sleep(1)

        assert {len(peer.mesh.links()) for peer in peers} == {2}
        nursery.cancel_scope.cancel()


async def test_publishing_is_refused_without_joining_and_over_size(autojump_clock) -> None:
    """A topic not joined and a message too large are errors at once."""
    network = SimulatedNetwork()
    async with trio.open_nursery() as nursery:
        a = Heard(network, identities(1)[0])
        await a.start(nursery)
        with pytest.raises(NotJoined):
            await a.mesh.publish("CHORUS/other/v1", b"x")
        with pytest.raises(FrameTooLarge):
            await a.mesh.publish(TOPIC, b"x" * (MAX_GOSSIP + 1))
        nursery.cancel_scope.cancel()


async def history(seed: int) -> list[tuple[float, str, bytes]]:
    """What five peers hear, and when, under loss, duplication and a cut."""
    network = SimulatedNetwork(SeededEntropy(seed))
    network.loss, network.duplication = 0.1, 0.1
    seen: list[tuple[float, str, bytes]] = []
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        meshes = [network.mesh(identity) for identity in identities(5)]
        for mesh in meshes:

            async def hear(_topic: str, data: bytes, author: str, mesh: SimulatedMesh = mesh) -> None:
                seen.append((round(trio.current_time() - began, 6), mesh.peer_id + author, data))

            mesh.on_gossip(hear)
            await nursery.start(mesh.run)
            await mesh.join(TOPIC)
        await trio.sleep(5)
        network.cut(meshes[0].peer_id, meshes[1].peer_id)
        for n in range(50):
            await meshes[n % 5].publish(TOPIC, str(n).encode())
            await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
    return seen


async def test_a_seed_replays(autojump_clock) -> None:
    """Two runs of one seed give the same history; another seed gives another."""
    first, second, other = await history(11), await history(11), await history(12)

    assert sorted(first) == sorted(second)
    assert sorted(first) != sorted(other)
