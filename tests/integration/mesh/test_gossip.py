"""Gossip between real nodes: order, what is refused, topics."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.engine.mesh.interface import (
    FrameTooLarge,
    NotJoined,
    Verdict,
)
from chorus_tui.engine.mesh.limits import MAX_GOSSIP

from .nodes import TOPIC, Node, until, until_heard


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
