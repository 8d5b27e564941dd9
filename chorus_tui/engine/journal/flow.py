"""Flow: how much new a peer says, so that nobody drowns the others. Pure but for what it remembers.

Only what *opens* something (a new announcement, discussion) counts, and only its own author refuses it, before it is said.
What closes something that was started (a result, a vote, a cancellation, a goodbye) always passes: a busy peer must be able
to end what it began. Receivers never refuse by quota, because then feeds would differ; they take the next only when what came
before is on disk.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import messages

WINDOW_S = 60.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one peer's own feed: openings a minute, and bytes of openings that are not erased."""

    per_minute: int = 600
    total_bytes: int = 512 * MIB


class OverQuota(Refused):
    """This peer has said too much new. ``limit`` is ``per_minute`` or ``total``; ``ends_s`` tells in how many seconds it may say
    more, None when only erasing makes room."""

    def __init__(self, text: str, limit: str, ends_s: float | None) -> None:
        super().__init__(text)
        self.limit = limit
        self.ends_s = ends_s


class Flow:
    """Of one peer. Times are those of a clock that never goes back, in seconds."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.total = 0
        """Bytes of openings in the own feed."""
        self._said: deque[float] = deque()

    def last_minute(self, now: float) -> int:
        """Openings within the window."""
        return sum(now - at < WINDOW_S for at in self._said)

    def admit(self, size: int, now: float) -> None:
        """Count one opening of ``size`` bytes. Raises :class:`OverQuota` when it is one too many; then it is not counted."""
        while self._said and now - self._said[0] >= WINDOW_S:
            self._said.popleft()
        if len(self._said) >= self.limits.per_minute:
            ends_s = max(0.0, self._said[0] + WINDOW_S - now)
            raise OverQuota(
                f"This peer has announced {self.limits.per_minute} things within a minute, its limit (CHORUS_FEED_PER_MINUTE). "
                f"It may announce again in {ends_s:.0f} s; results, votes and cancellations pass meanwhile",
                "per_minute",
                ends_s,
            )
        if self.total + size > self.limits.total_bytes:
            raise OverQuota(
                f"What this peer announced fills {self.limits.total_bytes // MIB} MiB on every member's disk, its limit in total "
                "(CHORUS_FEED_TOTAL_MB). Erase some of it to make room: chorus-tui journal erase HASH",
                "total",
                None,
            )
        self._said.append(now)
        self.total += size

    def take_back(self, size: int) -> None:
        """The last one was not said after all."""
        if self._said:
            self._said.pop()
        self.total = max(0, self.total - size)


def opening_types() -> list[str]:
    """Types that a quota counts."""
    return [name for name, row in messages.TYPES.items() if row.opens]


CLOSING = frozenset({"answer", "objection", "agreement", "escalation"})
"""Kinds of room messages that bring to an end what was begun."""


def opens(type_: str, data: dict[str, Any]) -> bool:
    """Whether a message opens something new. A task that goes on from another mesh is not new, nor is an answer in a room, nor
    the removal of content."""
    row = messages.TYPES.get(type_)
    if row is None or not row.opens:
        return False
    return data.get("type") not in CLOSING if row.raw else not (data.get("continues") or data.get("tombstone"))
