"""Interleaved rounds and their medians: on a shared machine only ratios taken in one run mean anything."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. Times in seconds; ``to_reach`` says in words what the target is."""

    area: str
    what: str
    ours: float
    beside: str
    theirs: float
    to_reach: str
    rounds: int

    @property
    def ratio(self) -> float:
        """Ours over theirs."""
        return self.ours / self.theirs if self.theirs else float("nan")


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(
    area: str,
    what: str,
    ours: Callable[[], float],
    beside: str,
    theirs: Callable[[], float],
    to_reach: str,
    rounds: int = 5,
) -> Row:
    """Run both in turn, ``rounds`` times after one warm-up; each returns its own seconds. The row holds medians."""
    ours()
    theirs()
    a, b = [], []
    for _ in range(rounds):
        a.append(ours())
        b.append(theirs())
    return Row(area, what, statistics.median(a), beside, statistics.median(b), to_reach, rounds)
