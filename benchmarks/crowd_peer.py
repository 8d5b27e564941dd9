"""One of many: ``python -m benchmarks.crowd_ours OPTIONS``, as JSON: {key, addresses, loss, seed}; it dials those addresses.

``crowd_ours`` has a journal on the engine's node, and says entries; ``crowd_plain`` is the library alone, and says messages. Orders on
stdin, a line each: {run, count, every, size} says so many, {run} tells how long each message of that run was on its way to here. What is
lost is lost before anybody looks at it.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import trio

from benchmarks.mesh_peer import quiet, say

Say = Callable[[str], Awaitable[object]]
Hear = Callable[[str], None]
Kind = Callable[[dict[str, Any], Hear], AbstractAsyncContextManager[tuple[str, Say]]]
"""(options, what hears) → own address, and what speaks."""


class Heard:
    """Nanoseconds that each message was on its way, by run."""

    def __init__(self) -> None:
        self.times: dict[int, list[int]] = defaultdict(list)
        self.said: set[str] = set()

    def hear(self, text: str) -> None:
        """One of another peer, or an own one."""
        if text not in self.said:
            run, sent, _ = text.split(" ", 2)
            self.times[int(run)].append(time.monotonic_ns() - int(sent))


async def _main(kind: Kind, options: dict[str, Any]) -> None:
    heard = Heard()
    async with kind(options, heard.hear) as (address, tell), trio.open_nursery() as nursery:
        say({"address": address})

        async def speak(run: int, count: int, every: float, size: int) -> None:
            began = trio.current_time()
            for number in range(count):
                await trio.sleep_until(began + number * every)
                text = f"{run} {time.monotonic_ns()} ".ljust(size, "x")
                heard.said.add(text)
                await tell(text)

        async for line in trio.wrap_file(sys.stdin):
            order = json.loads(line)
            if "count" in order:
                nursery.start_soon(speak, *(order[name] for name in ("run", "count", "every", "size")))
            else:
                say({"times": heard.times[order["run"]]})
        nursery.cancel_scope.cancel()


def run(kind: Kind) -> None:
    """With the options of the command line, until stdin ends."""
    quiet()
    trio.run(partial(_main, kind, json.loads(sys.argv[1])))
