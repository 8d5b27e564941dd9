"""How much went on lately, for people's eyes: a short history of a few totals. The totals themselves are metrics."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from chorus_tui.contract.models.status import Rate
from chorus_tui.engine.bell import pause

EVERY_S: Final = 15.0
KEPT: Final = 16
"""Spans that are remembered: four minutes."""


class Rates:
    """``totals`` only grow while nothing is lost, each by the name it is shown under; ``now`` is monotonic."""

    def __init__(self, totals: Mapping[str, Callable[[], float]], now: Callable[[], float]) -> None:
        self._totals = totals
        self._now = now
        self._last_at = 0.0
        self._last: dict[str, float] = {}
        self._spans: dict[str, deque[float]] = {name: deque(maxlen=KEPT) for name in totals}

    async def run(self) -> None:
        """Look every :data:`EVERY_S` until cancelled."""
        while True:
            self.look()
            await pause(EVERY_S)

    def look(self) -> None:
        """End a span here, or begin the first. One that was longer, because the machine slept, counts by the time it took."""
        at, found = self._now(), {name: total() for name, total in self._totals.items()}
        for name, before in self._last.items():
            # Less than before is an erasure, not the opposite of traffic.
            grown = max(0.0, found[name] - before)
            self._spans[name].append(round(grown / max(at - self._last_at, 1e-3), 2))
        self._last_at, self._last = at, found

    def present(self) -> list[Rate]:
        """Oldest span first; empty before the first has ended."""
        return [
            Rate(name=name, every_s=EVERY_S, per_second=list(spans)) for name, spans in self._spans.items() if spans
        ]
