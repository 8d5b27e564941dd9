"""Pings over streams that the test holds: which one carries which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from chorus_tui.engine.mesh.ping import Pings
from chorus_tui.engine.protocol.identity import Identity

PEER = Identity(bytes([7]) * 32).peer_id


class Stream:
    """Gives back what was written, once ``answering`` is set."""

    def __init__(self) -> None:
        self.answering = trio.Event()
        self.written: list[bytes] = []
        self.was_reset = False
        self._unread = b""

    async def write(self, payload: bytes) -> None:
        self.written.append(payload)
        self._unread += payload

    async def read(self, count: int) -> bytes:
        await self.answering.wait()
        read, self._unread = self._unread[:count], self._unread[count:]
        return read

    async def reset(self) -> None:
        self.was_reset = True


class Host:
    """Opens a stream whenever it is asked."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []

    async def new_stream(self, _peer_id: Any, _protocols: list[Any]) -> Stream:
        self.streams.append(Stream())
        return self.streams[-1]


@asynccontextmanager
async def pinging() -> AsyncIterator[tuple[Host, Pings]]:
    host = Host()
    async with trio.open_nursery() as nursery:
        yield host, Pings(host, nursery)


async def test_an_answer_that_comes_too_late_is_not_taken_for_that_of_the_next(autojump_clock):
    """The stream of a ping without an answer is given up, so that nothing is left on it for another."""
    async with pinging() as (host, pings):
        assert await pings.measure(PEER, 2.0, b"1" * 32) is None
        first = host.streams[0]
        await trio.sleep(1)
        assert first.was_reset
        first.answering.set()
        assert await pings.measure(PEER, 2.0, b"2" * 32) is None
        assert [stream.written for stream in host.streams] == [[b"1" * 32], [b"2" * 32]]


async def test_two_pings_at_once_have_a_stream_each_and_one_is_kept():
    """Neither reads the other's answer, and no stream is forgotten open."""
    async with pinging() as (host, pings), trio.open_nursery() as nursery:
        measured: list[float | None] = []

        async def one(payload: bytes) -> None:
            measured.append(await pings.measure(PEER, 2.0, payload))

        nursery.start_soon(one, b"1" * 32)
        nursery.start_soon(one, b"2" * 32)
        await trio.testing.wait_all_tasks_blocked()
        for stream in host.streams:
            stream.answering.set()
        await trio.testing.wait_all_tasks_blocked()

        assert len(measured) == 2 and None not in measured
        assert sorted(stream.was_reset for stream in host.streams) == [False, True]


async def test_an_answer_that_differs_counts_for_nothing():
    """Whoever answers something else is as one that does not answer."""
    async with pinging() as (host, pings), trio.open_nursery() as nursery:
        measured: list[float | None] = []

        async def one() -> None:
            measured.append(await pings.measure(PEER, 2.0, b"1" * 32))

        nursery.start_soon(one)
        await trio.testing.wait_all_tasks_blocked()
        host.streams[0]._unread = b"9" * 32
        host.streams[0].answering.set()
        await trio.testing.wait_all_tasks_blocked()

        assert measured == [None]
        assert host.streams[0].was_reset
