"""One end of a measured link, whatever carries it: ``python -m benchmarks.mesh_ours OPTIONS``, as JSON: {key, address}.

``mesh_ours`` is the engine's node, ``mesh_plain`` the library that it is built on, ``mesh_peer.mjs`` the same over js-libp2p. One end
listens (no ``address``), the other dials it and takes orders on stdin: {count, size, window} or {count, size, rate}. A message is
``m RUN COUNT NANOSECONDS xxx…``; every :data:`ACK_EVERY` the listener says ``a RUN TAKEN``, and with the last one what the times one
way were: the clock is the machine's own, and both ends are on it.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import structlog
import trio

TOPIC = "CHORUS/coordination/v1"
ACK_EVERY = 16
HEARD_S = 30.0
"""How long the two may take to see each other on the topic."""
LOST_S = 60.0
"""A message that takes longer counts as lost, and the run as failed."""
Publish = Callable[[bytes], Awaitable[None]]
Hear = Callable[[bytes], Awaitable[None]]
Kind = Callable[[bytes, list[str], Callable[[Publish], Hear]], AbstractAsyncContextManager[str]]
"""(network key, whom to dial, what hears) → a running node; its address."""


class Listener:
    """Counts, and says so."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._run = -1
        self._times: list[int] = []

    async def hear(self, data: bytes) -> None:
        """A message of the other end, or an own one."""
        now = time.monotonic_ns()
        kind, run, count, sent, _ = (*data.split(b" ", 4), b"", b"", b"")[:5]
        if kind != b"m":
            return
        if int(run) != self._run:
            self._run, self._times = int(run), []
        self._times.append(now - int(sent))
        taken = len(self._times)
        if taken >= int(count):
            times = sorted(self._times)
            told = " ".join(str(times[min(taken - 1, taken * share // 100)]) for share in (50, 95, 99))
            await self._publish(b"a %d %d %s" % (self._run, taken, told.encode()))
        elif taken % ACK_EVERY == 0:
            await self._publish(b"a %d %d" % (self._run, taken))


class Sender:
    """Sends as it is ordered, and prints what came of it."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._run = 0
        self._taken = 0
        self._times: list[float] = []
        self._acked = trio.Event()

    async def hear(self, data: bytes) -> None:
        """An acknowledgement, or an own message."""
        kind, run, *rest = data.split(b" ")
        if kind == b"a" and int(run) == self._run:
            self._taken = max(self._taken, int(rest[0]))
            self._times = [int(part) / 1e9 for part in rest[1:]]
            self._acked.set()
            self._acked = trio.Event()

    async def greet(self) -> None:
        """Until the listener answers: gossip promises nothing in its first second."""
        with trio.fail_after(HEARD_S):
            while not self._times:
                await self._publish(self._message(1, 60))
                with trio.move_on_after(0.2):
                    await self._acked.wait()

    async def send(self, count: int, size: int, window: int = 0, rate: float = 0.0) -> dict[str, Any]:
        """``window``: so many may be on their way; ``rate``: so many a second, whatever comes back."""
        self._run, self._taken, self._times = self._run + 1, 0, []
        began = trio.current_time()
        with trio.fail_after(LOST_S + (count / rate if rate else 0.0)):
            for number in range(count):
                if rate:
                    await trio.sleep_until(began + number / rate)
                while window and number - self._taken >= window:
                    await self._acked.wait()
                await self._publish(self._message(count, size))
            while not self._times:
                await self._acked.wait()
        return {"seconds": trio.current_time() - began, "taken": self._taken, "one_way_s": self._times}

    def _message(self, count: int, size: int) -> bytes:
        return (b"m %d %d %d " % (self._run, count, time.monotonic_ns())).ljust(size, b"x")


async def _main(kind: Kind, key: str, address: str | None) -> None:
    made: list[Any] = []

    def make(publish: Publish) -> Hear:
        made.append(Sender(publish) if address else Listener(publish))
        hear: Hear = made[0].hear
        return hear

    async with kind(bytes.fromhex(key), [address] if address else [], make) as own:
        if address:
            await made[0].greet()
        say({"address": own})
        async for line in trio.wrap_file(sys.stdin):
            say(await made[0].send(**json.loads(line)))


def run(kind: Kind) -> None:
    """With the options of the command line, until stdin ends."""
    quiet()
    trio.run(partial(_main, kind, **json.loads(sys.argv[1])))


def say(told: dict[str, Any]) -> None:
    """A line."""
    print(json.dumps(told), flush=True)


def quiet() -> None:
    """Lines on stdout are answers; what the node logs goes to stderr when it is a warning, what the library logs when an error."""
    logging.getLogger().setLevel(logging.ERROR)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
