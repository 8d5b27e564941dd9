"""How long messages take to come here, and what that tells of this machine's clock. Pure.

A message says when it was made, by its author's clock. What comes by gossip was made a moment ago, so the least of an
author's last delays is the difference of the two clocks, and a little. The median over authors is this clock's fault
rather than one of theirs; with a single author nobody can tell whose it is.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime
from statistics import median

from chorus_tui.engine.telemetry.histogram import Histogram

LAST = 8
"""Delays of one author that are kept."""
AUTHORS = 64
FRESH_S = 600.0
"""So old a delay says nothing of the clock now."""


class Delays:
    """Of one peer."""

    def __init__(self) -> None:
        self.seen = Histogram()
        """Seconds from its making to its arrival; what comes from a clock ahead of ours counts as none."""
        self._last: OrderedDict[str, deque[tuple[float, float]]] = OrderedDict()

    def hear(self, author: str, made_at: str, wall_s: float) -> None:
        """A message of another peer came by gossip; ``made_at`` is its time stamp. One that is no time is passed over."""
        try:
            delay = wall_s - datetime.fromisoformat(made_at).timestamp()
        except (ValueError, OverflowError):
            return
        self.seen.observe(max(0.0, delay))
        self._last.setdefault(author, deque(maxlen=LAST)).append((wall_s, delay))
        self._last.move_to_end(author)
        while len(self._last) > AUTHORS:
            self._last.popitem(last=False)

    def offset(self, wall_s: float) -> float | None:
        """Seconds this clock is ahead of the others (negative: behind); None while nobody was heard lately."""
        least = [
            min(fresh)
            for heard in self._last.values()
            if (fresh := [delay for at, delay in heard if abs(wall_s - at) <= FRESH_S])
        ]
        return median(least) if least else None
