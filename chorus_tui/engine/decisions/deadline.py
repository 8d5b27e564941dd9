"""When a vote closes, as people write it: a time from now, or a point in time. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

LEAST_S: Final = 1.0
MOST_S: Final = 366 * 86_400.0
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_FROM_NOW = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])")


def deadline_ms(text: str, now: float) -> int:
    """Unix milliseconds. ``now`` is Unix time. Raises ``ValueError`` with a text for people."""
    seconds = _seconds(text.strip(), now)
    if not LEAST_S <= seconds <= MOST_S:
        raise ValueError("the deadline lies at least a second and at most a year ahead")
    return int((now + seconds) * 1000)


def _seconds(text: str, now: float) -> float:
    from_now = _FROM_NOW.fullmatch(text)
    if from_now:
        return float(from_now[1]) * _UNITS[from_now[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a time from now (90s, 10m, 2h, 3d) nor RFC 3339 (2030-01-31T12:00:00Z)"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; end it with Z or an offset")
    return moment.timestamp() - now
