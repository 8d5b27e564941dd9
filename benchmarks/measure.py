"""Interleaved rounds and their medians: on a shared machine only ratios taken in one run mean anything."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; when it has a target, whether that is met. ``unit`` is for people."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool | None:
        """None: it has no target, and is shown to be read."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    def told(self) -> str:
        """In one line."""
        bounds = [
            f"{sign} {bound:g}" for sign, bound in (("≤", self.at_most), ("≥", self.at_least)) if bound is not None
        ]
        verdict = {None: "", True: f" ({', '.join(bounds)}: met)", False: f" ({', '.join(bounds)}: NOT met)"}[self.met]
        return f"{self.name} {self.value:.3g}{f' {self.unit}' if self.unit else ''}{verdict}"

    def stored(self) -> dict[str, object]:
        """As JSON."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. Times in seconds; ``to_reach`` says in words what the target is, ``figures`` in numbers."""

    area: str
    what: str
    ours: float
    beside: str
    theirs: float
    to_reach: str
    rounds: int
    figures: tuple[Figure, ...] = ()

    def stored(self) -> dict[str, object]:
        """As JSON."""
        return {**asdict(self), "ratio": self.ratio, "figures": [one.stored() for one in self.figures]}

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
