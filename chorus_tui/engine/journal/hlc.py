"""The hybrid logical clock: orders displays, never decisions.

Kulkarni et al., "Logical Physical Clocks" (2014). A remote clock moves ours, but never beyond our wall clock plus five
minutes: one wrong clock must not drag the mesh into the future.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

MAX_SKEW_MS = 5 * 60 * 1000
MAX_COUNTER = 9_999_999


@dataclass(frozen=True, slots=True, order=True)
class Hlc:
    """One reading; compares by time, then counter, then node."""

    ms: int
    counter: int
    node: str

    def __str__(self) -> str:
        return f"{self.ms}:{self.counter}:{self.node}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str()`` wrote. Raises ValueError."""
        ms, counter, node = text.split(":")
        return cls(int(ms), int(counter), node)


class HybridClock:
    """This peer's clock."""

    def __init__(self, node: str) -> None:
        self._last = Hlc(0, 0, node)

    def tick(self, wall_s: float) -> Hlc:
        """The next own reading: later than every one before."""
        ms = int(wall_s * 1000)
        if ms > self._last.ms:
            self._last = Hlc(ms, 0, self._last.node)
        elif self._last.counter < MAX_COUNTER:
            self._last = Hlc(self._last.ms, self._last.counter + 1, self._last.node)
        else:
            self._last = Hlc(self._last.ms + 1, 0, self._last.node)
        return self._last

    def hear(self, remote: Hlc, wall_s: float) -> float:
        """Take a remote reading in; by how many seconds it is ahead of our wall clock (negative: behind)."""
        ms = int(wall_s * 1000)
        ahead = (remote.ms - ms) / 1000
        bounded = min(remote.ms, ms + MAX_SKEW_MS)
        # A reading that was cut back brings no counter: it must not put ours back either.
        counter = min(remote.counter, MAX_COUNTER) if bounded == remote.ms else 0
        if (bounded, counter) > (self._last.ms, self._last.counter):
            self._last = Hlc(bounded, counter, self._last.node)
        return ahead
