"""A breaker per provider: after failures in a row nobody waits for it any more, until one trial shows that it is back.

*Closed* lets everything through. *Open* lets nothing through until a time. Then it is *half-open*: one question is the
trial, and others are told to go elsewhere until it ends. Pure: every function takes the state and the time, in seconds
of a monotonic clock, and returns the next state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

FAILURES_TO_OPEN = 3
FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 300.0

Phase = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """``failures`` in a row, ``openings`` since the last success, ``until`` when it is open, and whether a trial runs."""

    failures: int = 0
    openings: int = 0
    until: float | None = None
    trial: bool = False


def phase(breaker: Breaker, now: float) -> Phase:
    """What it lets through now."""
    if breaker.until is None:
        return "closed"
    return "open" if now < breaker.until else "half-open"


def admits(breaker: Breaker, now: float) -> bool:
    """Whether a question may go through."""
    state = phase(breaker, now)
    return state == "closed" or (state == "half-open" and not breaker.trial)


def begun(breaker: Breaker, now: float) -> Breaker:
    """A question that was admitted begins; while half-open it is the trial."""
    return replace(breaker, trial=True) if phase(breaker, now) == "half-open" else breaker


def succeeded() -> Breaker:
    """An answer came: all is forgotten."""
    return Breaker()


def failed(breaker: Breaker, now: float) -> Breaker:
    """No answer, and the provider is why: a failed trial opens it for twice as long, failures in a row open it at all."""
    failures = breaker.failures + 1
    if breaker.until is None and failures < FAILURES_TO_OPEN:
        return replace(breaker, failures=failures)
    pause = min(FIRST_PAUSE_S * 2**breaker.openings, LONGEST_PAUSE_S)
    until = max(now + pause, breaker.until or 0.0)
    return Breaker(failures, min(breaker.openings + 1, 16), until)


def told_to_wait(breaker: Breaker, now: float, seconds: float) -> Breaker:
    """The provider itself asked for a pause: open for that long, within bounds, whatever happened before."""
    until = now + min(max(seconds, 0.0), LONGEST_PAUSE_S)
    return replace(breaker, until=max(until, breaker.until or 0.0), trial=False)


def abandoned(breaker: Breaker) -> Breaker:
    """The question ended without saying anything of the provider (it was cancelled, or was itself at fault)."""
    return replace(breaker, trial=False)
