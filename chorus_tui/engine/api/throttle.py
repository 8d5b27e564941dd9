"""How often one token may ask: a bucket that fills at a steady rate and is drained by requests. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

BURST_S: Final = 2.0
"""Seconds of its rate that a caller may spend at once."""
MOST_CALLERS: Final = 4_096


@dataclass(frozen=True, slots=True)
class Bucket:
    """``left`` requests at ``at``, in seconds of a clock that only goes forward."""

    left: float
    at: float


def draw(bucket: Bucket | None, now: float, rate: float) -> tuple[Bucket, float]:
    """Take one request at ``rate`` a second; the bucket after it, and 0, or the seconds until there is one."""
    most = max(1.0, rate * BURST_S)
    left = most if bucket is None else min(most, bucket.left + max(0.0, now - bucket.at) * rate)
    if left >= 1.0:
        return Bucket(left - 1.0, now), 0.0
    return Bucket(left, now), (1.0 - left) / rate


class Throttle:
    """The buckets of all callers; those that were silent longest are forgotten, full as they are by then."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def draw(self, caller: str, now: float) -> float:
        """0 when ``caller`` may ask now, else the seconds until it may."""
        self._buckets[caller], wait = draw(self._buckets.get(caller), now, self._rate)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return wait
