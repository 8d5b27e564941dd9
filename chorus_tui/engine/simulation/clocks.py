"""Time in a simulation: trio's, which jumps when all tasks wait; and a peer's clocks, whose wall time can be set and whose
monotonic time stands while the machine sleeps."""

from __future__ import annotations

import math

import trio

BEGINNING = 1_900_000_000.0
"""Unix time at which every simulation begins."""


class JumpingClock(trio.abc.Clock):
    """A clock for :func:`trio.run` that stands still while anything runs and jumps to the next deadline when nothing can.

    As trio's own mock clock with a threshold of 0 does, which takes a second round of the loop for every jump. Trio asks how long
    to sleep only when no task can run: that is the moment to jump. Threads and sockets would be outrun; there are none here.
    """

    __slots__ = ("_now",)

    def __init__(self) -> None:
        self._now = 0.0

    def start_clock(self) -> None:
        """It starts at 0."""
        self._now = 0.0

    def current_time(self) -> float:
        """Simulated seconds since the run began."""
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nothing can run before ``deadline``: now it is that late, and there is no need to sleep."""
        if deadline <= self._now:
            return 0.0
        if math.isinf(deadline):  # nothing will ever run by itself: only what comes from outside can wake it
            return deadline
        self._now = deadline
        return 0.0


class SimulatedClock:
    """See :class:`chorus_tui.engine.clock.Clock`. Both clocks run with trio's, which is a :class:`JumpingClock`."""

    def __init__(self) -> None:
        self.ahead = 0.0
        """Seconds by which the wall clock is wrong."""
        self._stood = 0.0

    def wall(self) -> float:
        return BEGINNING + trio.current_time() + self.ahead

    def monotonic(self) -> float:
        return trio.current_time() - self._stood

    def slept(self, seconds: float) -> None:
        """The machine slept: its monotonic clock stood still that long."""
        self._stood += seconds
