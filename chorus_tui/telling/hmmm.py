"""What is said in rooms, in words: how a proposal stands, how far a message got, what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chorus_tui.contract.models.hmmm import EscalationView, Previewed, RoomLine, Said, ThreadRow
from chorus_tui.contract.models.journal import Delivery

STATES = {
    "": "", "open": "open", "objected": "objected", "agreed": "agreed", "reopened": "reopened", "replaced": "replaced",
    "standing": "stands", "settled": "settled",
}  # fmt: skip
SILENCES = {
    "stated": "says that you agreed by silence",
    "late": "says that you agreed by silence; it had not reached you in time",
}
SIGNS = {"open": "◌", "objected": "✗", "agreed": "✓", "reopened": "↺", "replaced": "→", "standing": "✗", "settled": "✓"}


def delivered(delivery: Delivery | None) -> str:
    """How far an own message got; of others' messages: that it is held here."""
    if delivery is None:
        return "held here"
    if delivery.received_by:
        return f"received by {len(delivery.received_by)}"
    if delivery.held_by:
        return f"held by {delivery.held_by}"
    return "sent" if delivery.sent else "stored"


def said(answer: Said) -> str:
    """What became of words: where they stand, and how far they got."""
    ended = f"; it ended {answer.ended} escalation{'s' * (answer.ended > 1)}" if answer.ended else ""
    return f"said as {answer.msg_id[:8]} in {answer.issue_id}/{answer.thread_id}: {delivered(answer.delivery)}{ended}"


def speaker(line: RoomLine) -> str:
    """Whose peer said it, and what that is."""
    return f"{line.author_name} ({role(line)})"


def role(line: RoomLine) -> str:
    """A person, by the name that the door knows; or an agent, and for whom."""
    if line.kind == "human":
        return f"person {line.on_behalf_of}".strip()
    return f"agent for {line.on_behalf_of}" if line.on_behalf_of else "agent"


def marks(line: RoomLine, now: float) -> list[str]:
    """What is to be seen at once beside a line: its state, its timer, its bounds."""
    found = [STATES[line.state]] if line.state else []
    if line.objections_until is not None:
        found.append(timer(line.objections_until, now, line.to_roles))
    if line.silence:
        found.append(SILENCES[line.silence])
    if line.restricted:
        found.append("sealed" if line.hidden else f"only for {', '.join(line.to_roles)}")
    elif line.to_roles:
        found.append(f"to {', '.join(line.to_roles)}")
    if line.priority in ("high", "urgent"):
        found.append(line.priority)
    return [mark for mark in found if mark]


def timer(until: float, now: float, to_roles: Sequence[str] = ()) -> str:
    """How long there is to object; then, whose silence is missing."""
    left = until - now
    if left > 0:
        return f"objections for {left:.0f} s"
    return f"waits for somebody of {', '.join(to_roles)} to hold it" if to_roles else "may be closed"


def row(thread: ThreadRow) -> str:
    """A thread's standing in a word or two."""
    if thread.escalated:
        return "⚠ waits for a person"
    return f"{SIGNS.get(thread.state, ' ')} {STATES[thread.state]}".strip()


def escalations(found: Iterable[EscalationView]) -> list[str]:
    """Each in a line; those that wait first."""
    lines = []
    for one in sorted(found, key=lambda one: (bool(one.ended_by), one.raised_at)):
        role = f", for the role {one.to_role}" if one.to_role else ""
        if one.ended_by:
            lines.append(f"✓ {one.words}: answered by {one.ended_by}")
        else:
            lines.append(f"⚠ {one.words} (says {one.raised_by}{role}); agents stay silent until a person answers")
    return lines


def found(preview: Previewed) -> str:
    """What the redactor takes out."""
    if not preview.found:
        return "Nothing in it looks like a secret."
    kinds = ", ".join(f"{count} of the kind {kind}" for kind, count in sorted(preview.found.items()))
    return f"⚠ Taken out before anybody sees it: {kinds}"
