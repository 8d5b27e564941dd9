"""Times as people write them: so long a time (``90s``, ``10m``, ``2h``, ``3d``), or a point in time (RFC 3339). Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

SPANS: Final = "90s, 10m, 2h, 3d"
"""Some of them, for words of errors."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])", re.ASCII)


def span_s(text: str) -> float | None:
    """Seconds; None when it is no span."""
    found = _SPAN.fullmatch(text.strip())
    return float(found[1]) * _UNITS[found[2]] if found else None


def moment_s(text: str, otherwise: str) -> float:
    """Unix time of a point in time. Raises ``ValueError`` with a text for people; ``otherwise`` says what a span would mean."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is neither {otherwise} ({SPANS}) nor RFC 3339 (2030-01-31T12:00:00Z)") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; end it with Z or an offset")
    return moment.timestamp()
