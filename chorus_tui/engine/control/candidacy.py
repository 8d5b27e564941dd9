"""Who stands first: the five parts of the score. Pure.

The score orders candidates in time and nothing else: a voter that misses the admin waits a step for each voter that
scores higher. Steps are equal, however near the scores are: two that stand at once split the votes, and a split costs more
than a step. The score never gives a vote, takes one away or deposes a healthy admin. The admin works the parts out from what it and others
observed and shows them in its heartbeat, so that all order by the same numbers when it is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

WEIGHTS = {"uptime": 0.30, "capabilities": 0.25, "resources": 0.20, "network": 0.15, "experience": 0.10}
HALF_UPTIME_S = 600.0
"""Seconds of being linked that are worth half of the uptime part."""
SLOW_S = 0.5
"""A round trip this long is worth nothing."""
VETERAN_TERMS = 5
STEP = 0.2
"""Of the window: how long after its better a voter stands; longer than asking for votes takes."""
JITTER = 0.05
"""Of the window: what parts two that do not know the same scores."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a voter: seconds it has been linked, round trip in seconds (None: not measured), share of the
    members it is linked to, whether it runs Docker, share of its processors that is free, terms it led."""

    linked_s: float
    round_trip_s: float | None
    linked_share: float
    agent: bool
    docker: bool
    free: float
    terms_led: int


def parts(seen: Observed) -> dict[str, float]:
    """Each part from 0 to 1."""
    quick = 1.0 if seen.round_trip_s is None else 1.0 - seen.round_trip_s / SLOW_S
    raw = {
        "uptime": max(seen.linked_s, 0.0) / (max(seen.linked_s, 0.0) + HALF_UPTIME_S),
        "capabilities": (0.5 if seen.agent else 0.25) + (0.5 if seen.docker else 0.0),
        "resources": seen.free,
        "network": seen.linked_share * max(quick, 0.0),
        "experience": seen.terms_led / VETERAN_TERMS,
    }
    return {name: min(max(value, 0.0), 1.0) for name, value in raw.items()}


def score(by_part: dict[str, float]) -> float:
    """From 0 to 1."""
    return sum(WEIGHTS[name] * min(max(by_part.get(name, 0.0), 0.0), 1.0) for name in WEIGHTS)


def rank(me: str, table: dict[str, dict[str, float]]) -> int:
    """How many come first: by score, of equal ones by uptime, then by peer id."""

    def order(peer_id: str) -> tuple[float, float, str]:
        by_part = table.get(peer_id, {})
        return (round(score(by_part), 2), by_part.get("uptime", 0.0), peer_id)

    mine = order(me)
    return sum(order(peer_id) > mine for peer_id in table)


def delay(window_s: float, rank_: int, chance: float) -> float:
    """Seconds to wait before standing: none for the best but the jitter. ``chance`` is drawn from 0 to 1."""
    return window_s * (STEP * rank_ + JITTER * chance)
