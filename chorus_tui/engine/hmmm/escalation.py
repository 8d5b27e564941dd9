"""When a thread needs a person: the causes, each told once a thread; what stands; what a person ended. Pure.

An escalation is named by room, thread and cause, so two peers that see the same cause name the same one. From then on no agent
speaks there by itself, until a person says something that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chorus_tui.engine.hmmm import rules
from chorus_tui.engine.hmmm.thread import Line, Raised, Thread
from chorus_tui.engine.protocol import canonical

MOST_MESSAGES = 10
LONGEST_MS = 30 * 60 * 1000
DISTRESS = re.compile(
    r"\b(?:stuck|help|human|escalate|clarification needed|manual intervention)\b", re.IGNORECASE
)  # the original's words

IsPerson = Callable[[str], bool]
Cause = Literal["asked", "messages", "time", "distress"]
WORDS: dict[str, str] = {
    "asked": "somebody asked for a person",
    "messages": f"{MOST_MESSAGES} messages without agreement",
    "time": f"{LONGEST_MS // 60_000} minutes without agreement",
    "distress": "an agent does not get on",
}


@dataclass(frozen=True, slots=True)
class Need:
    """A cause that is there. ``by`` is whose affair it is to say so first."""

    cause: Cause
    ref: str
    by: str
    since_ms: int
    line: Line


@dataclass(frozen=True, slots=True)
class Escalation:
    """One escalation, however many said it. ``ended`` is the person's word, if there is one."""

    key: str
    first: Raised
    ended: Line | None


def key(issue_id: str, thread_id: str, cause: str, ref: str) -> str:
    """Its name, the same on every peer. ``ref`` counts only where somebody asked: each asking is a cause of its own."""
    named = {"issue": issue_id, "thread": thread_id, "cause": cause, "ref": ref if cause == "asked" else ""}
    return canonical.sha256_hex(canonical.encode(named))


def escalations(thread: Thread, is_person: IsPerson) -> list[Escalation]:
    """All of a thread, the oldest first."""
    first: dict[str, Raised] = {}
    for raised in sorted(thread.raised.values(), key=lambda one: one.order):
        first.setdefault(key(thread.issue_id, thread.thread_id, raised.said.cause, raised.said.ref), raised)
    ended: dict[str, Line] = {}
    for line in thread.in_order():
        if line.said.ends and is_person(line.author):
            for name in line.said.ends:
                ended.setdefault(name, line)
    return [Escalation(name, raised, ended.get(name)) for name, raised in first.items()]


def standing(thread: Thread, is_person: IsPerson) -> list[Escalation]:
    """Those that wait for a person."""
    return [one for one in escalations(thread, is_person) if one.ended is None]


def needs(thread: Thread, now_ms: int, is_person: IsPerson) -> list[Need]:
    """Causes that are there, told or not."""
    lines = thread.in_order()
    found = [
        Need("asked", line.said.msg_id, line.author, line.at_ms, line)
        for line in lines if line.said.type == "escalation"
    ]  # fmt: skip
    distressed = next((line for line in lines if not is_person(line.author) and in_distress(line)), None)
    if distressed is not None:
        found.append(Need("distress", "", distressed.author, distressed.at_ms, distressed))
    since = _since_agreement(thread, lines)
    unsettled = _unsettled(thread)
    agents = [line for line in since if not is_person(line.author)]
    if len(since) >= MOST_MESSAGES and (unsettled or agents):
        tenth = since[MOST_MESSAGES - 1]
        found.append(Need("messages", "", tenth.author, tenth.at_ms, tenth))
    late = [line for line in unsettled if now_ms - line.at_ms >= LONGEST_MS]
    if late:
        found.append(Need("time", "", late[0].author, late[0].at_ms + LONGEST_MS, late[0]))
    return found


def untold(thread: Thread, now_ms: int, is_person: IsPerson) -> list[Need]:
    """Causes that nobody has told yet, as far as is known here."""
    told = {one.key for one in escalations(thread, is_person)}
    return [
        need for need in needs(thread, now_ms, is_person)
        if key(thread.issue_id, thread.thread_id, need.cause, need.ref) not in told
    ]  # fmt: skip


def in_distress(line: Line) -> bool:
    """Whether words say that somebody is needed. Plans and objections speak of the work, which may well be about help."""
    return line.said.type in ("discussion", "question", "answer") and DISTRESS.search(line.said.message) is not None


def _since_agreement(thread: Thread, lines: list[Line]) -> list[Line]:
    """What was said since the thread last agreed on something; memos and updates are no turns."""
    agreed = [proposal.closing.order for proposal in rules.consensus(thread) if proposal.closing is not None]
    after = max(agreed, default=(0, 0, ""))
    return [line for line in lines if line.order > after and line.said.type not in ("update", "memo", "escalation")]


def _unsettled(thread: Thread) -> list[Line]:
    """Proposals that are not agreed, and questions without an answer, oldest first."""
    found = [proposal.line for proposal in rules.proposals(thread) if proposal.state in rules.UNSETTLED]
    return sorted([*found, *rules.unanswered(thread)], key=lambda line: line.order)
