"""What a consensus needs of the peer it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import trio

from chorus_tui.engine.control.entries import Commit
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.raft_ready import Happened, Timing
from chorus_tui.engine.control.store import ControlStore
from chorus_tui.engine.protocol.identity import Identity


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Disk, clock, network and listeners. ``on_behind``: fetch what was decided from this peer."""

    me: Identity
    store: ControlStore
    lock: trio.Lock
    hlc: Callable[[], str]
    now: Callable[[], float]
    timing: Callable[[Log], Timing]
    delay: Callable[[], float]
    post: Callable[[str, bytes], None]
    on_commit: Callable[[list[ControlEntry], Commit], None]
    on_happened: Callable[[Happened], None]
    on_behind: Callable[[str], None]
