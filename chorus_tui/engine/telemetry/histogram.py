"""A histogram as plain numbers, for the rooms that measure. Pure; telemetry alone turns it into Prometheus' form."""

from __future__ import annotations

from bisect import bisect_left

LATENCY_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for what somebody waits for, in seconds."""
WORK_S = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Bounds for work that may take an hour, in seconds."""
SIZE_BYTES = tuple(float(64 * 4**power) for power in range(10))
"""64 B to 16 MiB, each four times the one before."""


class Histogram:
    """Counts what was observed by upper bound; what is over the last bound is counted as well."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """How many fell at or below each bound and above the one before; the last: above all."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """All that was observed."""
        return sum(self.counts)
