"""When a vote closes, as people write it: a time from now, or a point in time. Pure."""

from __future__ import annotations

from typing import Final

from chorus_tui.engine.moments import moment_s, span_s

LEAST_S: Final = 1.0
MOST_S: Final = 366 * 86_400.0


def deadline_ms(text: str, now: float) -> int:
    """Unix milliseconds. ``now`` is Unix time. Raises ``ValueError`` with a text for people."""
    ahead = span_s(text)
    seconds = ahead if ahead is not None else moment_s(text, "a time from now") - now
    if not LEAST_S <= seconds <= MOST_S:
        raise ValueError("the deadline lies at least a second and at most a year ahead")
    return int((now + seconds) * 1000)
