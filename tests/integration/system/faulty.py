"""A real engine with the faults that nothing outside a process can bring about: ``python -m tests.integration.system.faulty``.

It takes the environment that an agent takes. A fault holds while a file of its name lies in the folder ``FAULTS``: ``clock``
holds by how many seconds the machine's clock is off, ``dht`` makes the library of the DHT fail, ``say`` whatever is said into
the feed, both with the words that the file holds. The 72 hours of a licence's
grace are ``GRACE_S`` seconds. It also signs two things under one number when asked to (:mod:`.forking`).
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import trio

from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.licensing import rules
from chorus_tui.engine.mesh.dht import Dht
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.runtime.serve import prepare, serve
from tests.integration.system.forking import say_twice

FAITHFUL_TEND = Dht._tend


def wall(_clock: SystemClock) -> float:
    """The time by a clock that is off."""
    try:
        return time.time() + float((Path(os.environ["FAULTS"]) / "clock").read_text() or 0)
    except FileNotFoundError:
        return time.time()


async def tend(self: Dht, *rest: Any) -> None:
    """As ever, or as a library that fails."""
    fail("dht")
    await FAITHFUL_TEND(self, *rest)


async def say(self: FeedJournal, type_: str, data: dict[str, Any], **rest: Any) -> Entry:
    """As ever, twice when asked to, or not at all."""
    fail("say")
    return await say_twice(self, type_, data, **rest)


def fail(fault: str) -> None:
    """Raises while the file of a fault is there."""
    file = Path(os.environ["FAULTS"]) / fault
    if file.exists():
        raise RuntimeError(file.read_text() or "the library failed")


if __name__ == "__main__":
    SystemClock.wall = wall  # type: ignore[method-assign] # the faults
    Dht._tend = tend  # type: ignore[method-assign]
    FeedJournal.say = say  # type: ignore[method-assign]
    rules.GRACE_S = float(os.environ.get("GRACE_S", rules.GRACE_S))  # type: ignore[misc]
    trio.run(partial(serve, prepare("agent", os.environ, None), ready=lambda: None))
