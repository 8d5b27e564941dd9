"""What counts against a peer, and when it stays out. Pure: time is an argument.

The rules: only what a peer itself did to this one counts, never what others say of it; nothing that a slow, busy or older
honest peer does costs a point; points decay, bans end, and past bans are forgotten one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

LIMIT: Final = 100.0
"""Points at which a peer is banned."""
HALF_LIFE_S: Final = 60.0
"""Seconds in which points halve."""
FIRST_BAN_S: Final = 60.0
LONGEST_BAN_S: Final = 3600.0
FORGIVEN_S: Final = 3600.0
"""Seconds after a ban's end in which one past ban is forgotten; a second takes as long again."""
POINTS: Final = 2.0
"""Of an offence that is not named here: a frame or message that no honest peer sends."""
LIGHT: Final = {"too many streams": 0.5, "streams too fast": 0.5, "too many control messages": 0.5, "odd stream": 0.5}
"""Points of what is far from every use, but no lie, or what a newer version may say."""
NO_OFFENCE: Final = frozenset(
    {"ignored", "validator failed", "over its rate", "handler queue full", "handler failed", "gate", "not running", "banned", "cut short"}
)  # fmt: skip
"""Reasons that are nobody's fault, or that a busy honest peer can have."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A peer's points at the time ``at``, how often it was banned, and until when it is."""

    points: float = 0.0
    at: float = 0.0
    bans: int = 0
    until: float = float("-inf")


def points_of(reason: str) -> float:
    """What one refusal for this reason costs."""
    return 0.0 if reason in NO_OFFENCE else LIGHT.get(reason, POINTS)


def settled(standing: Standing, now: float) -> Standing:
    """The same peer later: points have decayed, bans of long ago are forgotten."""
    calm = max(0.0, now - standing.until) if standing.bans else 0.0
    forgiven = min(standing.bans, int(calm // FORGIVEN_S))
    return Standing(
        points=standing.points * 0.5 ** (max(0.0, now - standing.at) / HALF_LIFE_S),
        at=max(now, standing.at),
        bans=standing.bans - forgiven,
        until=standing.until + forgiven * FORGIVEN_S if forgiven else standing.until,
    )


def judged(standing: Standing, reason: str, now: float) -> Standing:
    """After one more refusal. At :data:`LIMIT` points the peer is banned, each time twice as long, and begins anew."""
    present = settled(standing, now)
    if is_banned(present, now):
        return present
    points = present.points + points_of(reason)
    if points < LIMIT:
        return replace(present, points=points)
    bans = present.bans + 1
    return Standing(points=0.0, at=present.at, bans=bans, until=now + ban_s(bans))


def ban_s(bans: int) -> float:
    """Seconds of the ``bans``-th ban in a row."""
    return min(LONGEST_BAN_S, FIRST_BAN_S * 2.0 ** min(bans - 1, 30))


def is_banned(standing: Standing, now: float) -> bool:
    """Whether the peer is kept out now."""
    return now < standing.until


def is_clean(standing: Standing, now: float) -> bool:
    """Whether there is nothing left to remember."""
    present = settled(standing, now)
    return present.bans == 0 and present.points < 0.5 and not is_banned(present, now)
