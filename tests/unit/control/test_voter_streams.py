"""Frames between voters: in order over one stream, dropped when nobody takes them, and the stream closed when nothing is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.control.voter_streams import IDLE_S, SEND_S, VoterStreams
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.mesh.simulated_stream import WINDOW
from chorus_tui.engine.protocol.identity import Identity


class Two:
    """One voter that posts, and another that takes frames as long as it is let; a stream that it hears of is counted."""

    def __init__(self) -> None:
        network = SimulatedNetwork(SeededEntropy(1))
        self.one, self.other = (network.mesh(Identity(bytes([n]) * 32)) for n in (1, 2))
        self.took: list[bytes] = []
        self.opened = 0
        self.takes = trio.Event()
        self.takes.set()
        self.posts = VoterStreams(self.one, self._take)
        self.hears = VoterStreams(self.other, self._take)
        self.other.set_gate(self._count)

    def _count(self, _peer: str, _protocol: str) -> bool:
        self.opened += 1
        return True

    async def _take(self, _peer: str, raw: bytes) -> None:
        await self.takes.wait()
        self.took.append(raw)

    def post(self, *numbers: int) -> None:
        for number in numbers:
            self.posts.post(self.other.peer_id, b"%d" % number)


@asynccontextmanager
async def two() -> AsyncIterator[Two]:
    at = Two()
    async with trio.open_nursery() as nursery:
        await nursery.start(at.one.run)
        await nursery.start(at.other.run)
        nursery.start_soon(at.posts.run)
        nursery.start_soon(at.hears.run)
        await trio.sleep(6)
        yield at
        nursery.cancel_scope.cancel()


async def test_frames_go_in_order_over_one_stream(autojump_clock):
    """Posted together or apart, within the time that a stream stays open."""
    async with two() as at:
        at.post(1, 2)
        await trio.sleep(1)
        at.post(3)
        await trio.sleep(IDLE_S - 1)
        at.post(4)
        await trio.sleep(1)

        assert (at.took, at.opened) == ([b"1", b"2", b"3", b"4"], 1)


async def test_a_stream_without_frames_is_closed_and_another_one_opened(autojump_clock):
    """Nothing is lost by it."""
    async with two() as at:
        at.post(1)
        await trio.sleep(IDLE_S + 1)
        at.post(2)
        await trio.sleep(1)

        assert (at.took, at.opened) == ([b"1", b"2"], 2)


async def test_what_nobody_takes_is_dropped(autojump_clock):
    """Who does not read for long loses what waited for it, and hears what is said afterwards over another stream."""
    async with two() as at:
        at.takes = trio.Event()
        for number in range(WINDOW + 8):
            at.post(number)
            await trio.sleep(0.1)
        await trio.sleep(SEND_S)
        at.takes.set()
        await trio.sleep(1)
        at.post(1000)
        await trio.sleep(1)

        assert at.took[-1] == b"1000"
        assert b"%d" % (WINDOW + 7) not in at.took
        assert at.opened == 2
