"""Simulated time for trio: it stands while anything runs and jumps when nothing can.

Trio's own sleep is a cancel scope that goes off: it costs more than most of what is done between two sleeps, and a simulated peer sleeps
twenty times a second. So the clock keeps sleepers itself, and wakes them at the moment to which it jumps.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trio


class JumpingClock(trio.abc.Clock):
    """A clock for :func:`trio.run` that stands still while anything runs and jumps to the next deadline when nothing can.

    As trio's own mock clock with a threshold of 0 does, which takes a second round of the loop for every jump. Trio asks how long
    to sleep only when no task can run: that is the moment to jump. Threads and sockets would be outrun; there are none here.
    """

    __slots__ = ("_now", "_numbers", "_sleepers")

    def __init__(self) -> None:
        self._now = 0.0
        self._numbers = itertools.count()
        self._sleepers: list[tuple[float, int, Sleeper]] = []

    def start_clock(self) -> None:
        """It starts at 0."""
        self._now = 0.0

    def current_time(self) -> float:
        """Simulated seconds since the run began."""
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nothing can run before ``deadline``: now it is that late, and there is no need to sleep."""
        while self._sleepers and self._sleepers[0][2].task is None:
            heapq.heappop(self._sleepers)
        if self._sleepers:
            deadline = min(deadline, self._sleepers[0][0])
        if math.isinf(deadline):  # nothing will ever run by itself: only what comes from outside can wake it
            return deadline
        self._now = max(self._now, deadline)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            heapq.heappop(self._sleepers)[2].wake()
        return 0.0

    async def sleep_until(self, deadline: float) -> None:
        """As trio's own, for a ``deadline`` that is not over: what is done most often in a run, so it is done in one go."""
        sleeper = Sleeper()
        sleeper.task = trio.lowlevel.current_task()
        heapq.heappush(self._sleepers, (deadline, next(self._numbers), sleeper))
        await trio.lowlevel.wait_task_rescheduled(sleeper.abort)

    def wakes(self, sleeper: Sleeper, deadline: float) -> None:
        """``sleeper`` is woken at ``deadline``, or at the first of several."""
        if deadline < math.inf:
            heapq.heappush(self._sleepers, (deadline, next(self._numbers), sleeper))


class Sleeper:
    """A task that sleeps, once, until the clock, which may be any, or somebody else wakes it."""

    __slots__ = ("task",)

    def __init__(self) -> None:
        self.task: trio.lowlevel.Task | None = None
        """None before and after."""

    async def sleep_until(self, deadline: float) -> None:
        """Until ``deadline`` (trio's time) or a :meth:`wake`."""
        clock = trio.lowlevel.current_clock()
        self.task = trio.lowlevel.current_task()
        if isinstance(clock, JumpingClock):
            clock.wakes(self, deadline)
            await trio.lowlevel.wait_task_rescheduled(self.abort)
        else:
            with trio.move_on_at(deadline):
                await trio.lowlevel.wait_task_rescheduled(self.abort)

    def sooner(self, deadline: float) -> None:
        """Whoever sleeps is to be up at ``deadline``; by a clock that keeps no sleepers at once, to look for itself how long is left."""
        if self.task is not None:
            clock = trio.lowlevel.current_clock()
            if isinstance(clock, JumpingClock):
                clock.wakes(self, deadline)
            else:
                self.wake()

    def wake(self) -> None:
        """Once; then nothing."""
        if self.task is not None:
            trio.lowlevel.reschedule(self.task)
            self.task = None

    def abort(self, _: object) -> trio.lowlevel.Abort:
        """Trio's question whether the sleep may be cancelled."""
        self.task = None
        return trio.lowlevel.Abort.SUCCEEDED


@contextmanager
def light_sleep() -> Iterator[None]:
    """Inside the block :func:`trio.sleep` and :func:`trio.sleep_until` are the clock's, where it is a :class:`JumpingClock`."""
    before: dict[str, Any] = {name: getattr(trio, name) for name in ("sleep", "sleep_until")}

    async def sleep_until(deadline: float) -> None:
        clock = trio.lowlevel.current_clock()
        if not isinstance(clock, JumpingClock) or not clock.current_time() < deadline < math.inf:
            await before["sleep_until"](deadline)
            return
        await clock.sleep_until(deadline)

    async def sleep(seconds: float) -> None:
        clock = trio.lowlevel.current_clock()
        if isinstance(clock, JumpingClock) and 0 < seconds < math.inf:
            await clock.sleep_until(clock.current_time() + seconds)
        else:
            await before["sleep"](seconds)

    trio.sleep, trio.sleep_until = sleep, sleep_until
    try:
        yield
    finally:
        trio.sleep, trio.sleep_until = before["sleep"], before["sleep_until"]
