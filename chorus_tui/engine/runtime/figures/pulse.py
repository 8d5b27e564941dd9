"""The pulse of the engine's loop, and what must be asked of the machine beside it.

A disk that hangs (a network file system) would stop the loop if it were asked in the loop, so it is asked in a thread,
and what it said last counts until it is too old.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from chorus_tui.engine.bell import pause
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.telemetry.histogram import Histogram

BEAT_S = 1.0
DISK_EVERY_S = 15.0
DISK_TIMEOUT_S = 10.0


class Pulse:
    """Of one engine."""

    def __init__(self, clock: Clock, folder: Path, usage: Callable[[Path], Any] = shutil.disk_usage) -> None:
        self._clock = clock
        self._folder = folder
        self._usage = usage
        self.lag = Histogram()
        """How much later than asked the loop woke, in seconds."""
        self.disk_free = self.disk_size = 0
        self.disk_problem = "the disk has not been looked at yet"
        self.disk_seen_at = clock.monotonic()

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; started after the first look at the disk."""
        await self._look()
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._look_again)
            while True:
                began = trio.current_time()
                await trio.sleep(BEAT_S)
                self.lag.observe(max(0.0, trio.current_time() - began - BEAT_S))

    async def _look_again(self) -> None:
        while True:
            await pause(DISK_EVERY_S)
            await self._look()

    async def _look(self) -> None:
        in_thread: Any = trio.to_thread.run_sync  # its types have no room for this keyword
        with trio.move_on_after(DISK_TIMEOUT_S) as scope:
            try:
                found = await in_thread(self._usage, self._folder, abandon_on_cancel=True)
            except OSError as error:
                self.disk_problem = f"{self._folder} cannot be looked at: {error.strerror}"
            else:
                self.disk_free, self.disk_size, self.disk_problem = found.free, found.total, ""
                self.disk_seen_at = self._clock.monotonic()
        if scope.cancelled_caught:
            self.disk_problem = f"{self._folder} does not answer within {DISK_TIMEOUT_S:g} s"
