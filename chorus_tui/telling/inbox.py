"""What waits for a person, in words."""

from __future__ import annotations

from chorus_tui.contract.models.inbox import InboxItem

KINDS = {
    "approval": "approve", "vote": "vote", "escalation": "escalated", "question": "question", "help": "help wanted",
    "objection": "proposal", "mismatch": "mismatch", "held": "held back", "review": "review",
    "apply": "apply patch", "invitation": "invited",
}  # fmt: skip
"""What an item of a kind is called in a list."""


def wanted(item: InboxItem) -> str:
    """What is to be given as an answer."""
    choices = " or ".join(item.choices)
    if not choices:
        return "words"
    return {"none": choices, "optional": f"{choices}; words if you like", "needed": f"{choices}, and words"}[item.words]


def left(item: InboxItem, now: float) -> float | None:
    """Seconds until it is decided without the person; None when it waits for ever."""
    return None if item.expires_at is None else max(0.0, item.expires_at - now)
