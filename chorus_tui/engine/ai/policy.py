"""What happens after a try that failed: the same provider again, the next one, or the error goes to who asked.

The table of ``docs/models.md`` is this module in words. Pure; the pause takes its chance as an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chorus_tui.engine.ai.interface import AiError, Reason

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
LONGEST_WAIT_S = 30.0
"""A provider that asks for a longer pause is left alone for it, and the next one is asked."""

Step = Literal["retry", "next", "raise"]


@dataclass(frozen=True, slots=True)
class Rule:
    """``tries`` at one provider in all, and whether the failure counts against its breaker."""

    tries: int
    counts: bool


RETRIED: dict[Reason, Rule] = {
    "provider_unreachable": Rule(2, counts=True),
    "provider_timeout": Rule(1, counts=True),
    "provider_broke_off": Rule(3, counts=True),
    "provider_error": Rule(3, counts=True),
    "rate_limited": Rule(3, counts=False),
    "bad_answer": Rule(2, counts=True),
    "provider_refused": Rule(1, counts=True),
    "model_missing": Rule(1, counts=False),
}
"""Reasons that lie with the provider. All others lie with the question and are raised at once."""


def counts(error: AiError) -> bool:
    """Whether the breaker should hear of it."""
    rule = RETRIED.get(error.reason)
    return rule is not None and rule.counts and not _of_the_question(error)


def next_step(error: AiError, tries: int) -> Step:
    """After ``tries`` at one provider, the last of which failed with ``error``."""
    rule = RETRIED.get(error.reason)
    if rule is None or _of_the_question(error):
        return "raise"
    if tries < rule.tries and (error.retry_after or 0.0) <= LONGEST_WAIT_S:
        return "retry"
    return "next"


def pause(error: AiError, tries: int, chance: float) -> float:
    """Seconds before the next try: doubled each time, with jitter by ``chance`` in 0…1, never less than asked for."""
    most = min(FIRST_PAUSE_S * 2.0 ** (tries - 1), LONGEST_PAUSE_S)
    return max(most * (0.5 + 0.5 * chance), min(error.retry_after or 0.0, LONGEST_WAIT_S))


def _of_the_question(error: AiError) -> bool:
    """A text that does not follow its schema comes again as often as one asks; what the wire garbled may not."""
    return error.reason == "bad_answer" and not error.retryable
