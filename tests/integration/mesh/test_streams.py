"""Streams between real nodes: frames, limits, half-close, refusals."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.engine.mesh.interface import (
    MAX_FRAME,
    FrameTooLarge,
    Stream,
    StreamClosed,
    Unreachable,
)
from chorus_tui.engine.mesh.limits import STREAMS_PER_PEER

from .nodes import Node, echo, until


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
    a bounded number of streams, the mesh's own among them; each is counted.
    """
    holding, most = 0, 0

    async def fail(_stream: Stream) -> None:
        raise RuntimeError("a bug")

    async def hold(stream: Stream) -> None:
        nonlocal holding, most
        holding += 1
        most = max(most, holding)
        try:
            await stream.receive()
        finally:
            holding -= 1

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
        refused = b.mesh.counters.refused
        # Addresses may be told on a stream just then: it takes a place too, or is the one that is refused.
        held = [await a.mesh.open(b.peer_id, "/t/hold/1") for _ in range(STREAMS_PER_PEER + 1)]
        await until(lambda: refused["too many streams"] >= 1 and holding >= STREAMS_PER_PEER - 1)
        for stream in held:
            await stream.close()
        await until(lambda: holding == 0)

        assert most <= STREAMS_PER_PEER
        assert refused["too many streams"] <= 2
        assert {reason: n for reason, n in refused.items() if reason != "too many streams"} == {
            "handler failed": 1, "gate": 1,
        }  # fmt: skip
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
