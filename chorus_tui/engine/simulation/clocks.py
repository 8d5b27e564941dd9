"""A simulated peer's clocks: wall time, which can be set wrong, and monotonic time, which stands while the machine sleeps."""

from __future__ import annotations

import trio

BEGINNING = 1_900_000_000.0
"""Unix time at which every simulation begins."""


class SimulatedClock:
    """See :class:`chorus_tui.engine.clock.Clock`. Both clocks run with trio's, a ``JumpingClock``."""

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
