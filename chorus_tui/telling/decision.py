"""Decisions in words: how far a vote is, who said what, what became of it. Screen and command line print the same."""

from __future__ import annotations

from typing import Final, Literal

from chorus_tui.contract.models.decisions import OPEN, DecisionRow, DecisionView, VoteView
from chorus_tui.contract.models.journal import Delivery

Tone = Literal["good", "bad", "warn", "open", "none"]
"""Passed, not passed, wrong, under way, nothing to show."""

SIGNS: Final = {
    "open": "●", "overdue": "◐", "counting": "◐", "passed": "✓", "rejected": "✗", "no_quorum": "○", "withdrawn": "·",
    "lapsed": "·", "void": "⊘",
}  # fmt: skip
TONES: Final[dict[str, Tone]] = {
    "open": "open", "overdue": "open", "counting": "open", "passed": "good", "rejected": "bad", "no_quorum": "bad",
    "withdrawn": "none", "lapsed": "none", "void": "none",
}  # fmt: skip
WORDS: Final = {"no_quorum": "no quorum"}
MARKS: Final[dict[str, tuple[str, Tone]]] = {
    "stands": ("✓ stands", "open"), "counted": ("✓ counted", "good"), "replaced": ("· replaced", "none"),
    "late": ("◷ late", "warn"), "left_out": ("⚠ left out", "bad"), "void": ("⊘ void", "none"),
}  # fmt: skip
THRESHOLDS: Final = {
    "majority": "more than half of the votes", "two_thirds": "two thirds of the votes", "unanimous": "all of the votes",
}  # fmt: skip
SEALED: Final = "sealed"


def state(row: DecisionRow) -> str:
    """``✓ passed``: a sign and a word."""
    return f"{SIGNS[row.state]} {WORDS.get(row.state, row.state)}{' ⚠' if row.flagged else ''}"


def outcome(row: DecisionRow) -> str:
    """The end in words, with what was chosen."""
    words = WORDS.get(row.state, row.state)
    return f"{words}: {row.outcome}" if row.outcome else words


def title(row: DecisionRow) -> str:
    """What it is called, or to whom it is sealed."""
    return row.title or f"sealed to {', '.join(row.sealed_to)}"


def turnout(row: DecisionRow) -> str:
    """``3/5, needs 3``."""
    return f"{row.voted}/{row.eligible}, needs {row.needed}"


def closes_in(row: DecisionRow, now: float) -> float | None:
    """Seconds until the deadline, 0 when it is over; None where it does not matter any more."""
    return max(0.0, row.closes_at - now) if row.state in OPEN else None


def signer(vote: VoteView) -> str:
    """Who signed it, and for whom it says it speaks. What a person's name rests on is said."""
    kind = "person" if vote.kind == "human" else vote.kind
    name = vote.by_name or vote.by
    if vote.person:
        signed = f"signed by {vote.person}" if vote.key else f"in the name of {vote.person}, without their signature"
        return f"{signed}, brought by {name} ({kind})"
    if vote.on_behalf_of:
        return f"{vote.on_behalf_of}, asserted by {name} ({kind})"
    return f"{name} ({kind})"


def mark(vote: VoteView) -> str:
    """What became of it, and why."""
    word = MARKS[vote.mark][0]
    return f"{word}: {vote.why}" if vote.why else word


def reason(vote: VoteView) -> str:
    """Its reason, or that it is sealed for others."""
    if vote.reason or not vote.sealed:
        return vote.reason
    return f"({SEALED})"


def delivered(delivery: Delivery | None) -> str:
    """How far an own message got; of others' only that it is here."""
    if delivery is None:
        return "held here"
    if not delivery.held_by:
        return "sent" if delivery.sent else "stored here only"
    received = f", received by {len(delivery.received_by)}" if delivery.received_by else ""
    return f"held by {delivery.held_by}{received}"


def tally(view: DecisionView) -> str:
    """``approve 3, reject 1, abstain 1``."""
    return ", ".join(f"{option} {count}" for option, count in view.counts.by_option.items())


def rule(view: DecisionView) -> str:
    """What it takes to pass."""
    counts = view.counts
    return f"{THRESHOLDS[view.threshold]}, abstentions aside; {counts.needed} of {counts.eligible} have to vote ({view.quorum})"


def standing(view: DecisionView) -> str:
    """How it ended, or how it would end now."""
    if view.state not in OPEN:
        return (
            f"{SIGNS[view.state]} {outcome(view)}{f' ({view.why})' if view.why else ''}{' ⚠' if view.flagged else ''}"
        )
    would = {"passed": f"would pass: {view.counts.chosen}", "rejected": "would not pass", "no_quorum": "no quorum yet"}
    return f"{state(view)}, {would[view.counts.outcome]}"


def record(view: DecisionView) -> str:
    """Whether the record of the outcome is kept here."""
    if not view.ucxl:
        return ""
    if not view.record:
        return "not announced yet"
    return f"{view.record[:19]}…, {'held here' if view.record_here else 'not here yet'}"
