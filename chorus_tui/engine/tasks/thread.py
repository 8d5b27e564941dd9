"""What is said round a task besides its results: words, calls for help, proposals, steering, checks, deliveries. Pure.

Every line keeps its verified author. Order and repetition of feed entries do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import (
    DeliverableReady,
    Message,
    MetaDiscussion,
    TaskChecked,
    TaskHelpRequest,
    TaskSteering,
)
from chorus_tui.engine.protocol.messages.roles import (
    ExpertiseRequest,
    ExpertiseResponse,
    MentorshipRequest,
    MentorshipResponse,
    WorkAllocation,
)
from chorus_tui.engine.protocol.messages.talk import MAX_HOPS, TaskHelpResponse

SHOWN = 100
"""Of the newest words."""

TYPES = frozenset(
    {
        "task_checked", "task_steering", "task_help_request", "task_help_response", "meta_discussion", "deliverable_ready",
        "work_allocation", "expertise_request", "expertise_response", "mentorship_request", "mentorship_response",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """Something said. ``attempt`` is not 0 where a worker says it of its attempt; ``request`` is the hash of the entry that an answer
    or advice cites."""

    author: str
    at_ms: int
    hash: str
    kind: Literal["word", "help", "answer", "advice", "proposal", "question", "agreement", "concern", "response"]
    text: str
    attempt: int = 0
    request: str = ""


@dataclass(frozen=True, slots=True)
class Steered:
    """Somebody wants the worker to pause, go on or stop. What counts is decided by who may."""

    author: str
    at_ms: int
    hash: str
    act: Literal["pause", "resume", "stop"]
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What somebody's run of the checks showed, about the result with this hash."""

    author: str
    at_ms: int
    result: str
    cite: dict[str, Any]
    said: TaskChecked


@dataclass(frozen=True, slots=True)
class Brought:
    """A worker says where it brought a change, or why it could not."""

    author: str
    at_ms: int
    hash: str
    said: DeliverableReady


@dataclass(frozen=True, slots=True)
class Allocated:
    """Somebody says why a grant was made; it counts when that is the admin that made it."""

    author: str
    at_ms: int
    hash: str
    said: WorkAllocation


@dataclass(frozen=True, slots=True)
class Mentored:
    """Advice was asked for, or given: ``request`` is then the hash of the question, and ``given`` whether there is any."""

    author: str
    at_ms: int
    hash: str
    request: str = ""
    given: bool = False


@dataclass(slots=True)
class Thread:
    """All of it, of one task."""

    lines: dict[str, Line] = field(default_factory=dict)
    steering: dict[str, Steered] = field(default_factory=dict)
    checked: dict[tuple[str, str], Checked] = field(default_factory=dict)
    """By (hash of the result, author): the first word of each about a result counts."""
    brought: dict[str, Brought] = field(default_factory=dict)
    allocations: dict[str, Allocated] = field(default_factory=dict)
    mentored: dict[str, Mentored] = field(default_factory=dict)
    passed_on: dict[str, str] = field(default_factory=dict)
    """By the hash of a question the one that it was passed on from."""

    def clear(self) -> None:
        """Forget what peers said."""
        self.lines.clear()
        self.steering.clear()
        self.checked.clear()
        self.brought.clear()
        self.allocations.clear()
        self.mentored.clear()
        self.passed_on.clear()

    def in_order(self) -> list[Line]:
        """Oldest first."""
        return sorted(self.lines.values(), key=lambda line: (line.at_ms, line.hash))

    def asked_first(self, request: str) -> str:
        """The question that this one came from, by way of those that passed it on; itself when nobody did."""
        for _ in range(MAX_HOPS):
            request = self.passed_on.get(request, request)
        return request

    def apply(self, entry: Entry, message: Message, at_ms: int, cite: dict[str, Any]) -> None:
        """One feed entry of one of ``TYPES``."""
        who, hash_ = entry.author, entry.hash
        if isinstance(message, MetaDiscussion):
            self.lines[hash_] = Line(who, at_ms, hash_, message.intent, message.message, message.attempt)
        elif isinstance(message, TaskHelpRequest):
            self.lines[hash_] = Line(who, at_ms, hash_, "help", message.help_needed, message.attempt)
        elif isinstance(message, TaskSteering):
            self.steering[hash_] = Steered(who, at_ms, hash_, message.act, message.reason)
        elif isinstance(message, TaskChecked):
            checked = Checked(who, at_ms, message.result, cite, message)
            known = self.checked.get((message.result, who))
            if known is None or _order(cite) < _order(known.cite):
                self.checked[message.result, who] = checked
        elif isinstance(message, DeliverableReady):
            self.brought[hash_] = Brought(who, at_ms, hash_, message)
        elif isinstance(message, WorkAllocation):
            self.allocations[hash_] = Allocated(who, at_ms, hash_, message)
        else:
            self._assisted(who, message, at_ms, hash_)

    def _assisted(self, who: str, message: Message, at_ms: int, hash_: str) -> None:
        """Answers of those that were asked; that somebody cannot help is no word in the thread."""
        if isinstance(message, TaskHelpResponse | ExpertiseResponse):
            if message.can_help and message.answer:
                self.lines[hash_] = Line(who, at_ms, hash_, "answer", message.answer, request=message.request)
        elif isinstance(message, ExpertiseRequest):
            if message.origin:
                self.passed_on[hash_] = message.origin
        elif isinstance(message, MentorshipRequest):
            self.mentored[hash_] = Mentored(who, at_ms, hash_)
        elif isinstance(message, MentorshipResponse):
            self.mentored[hash_] = Mentored(who, at_ms, hash_, message.request, message.accepted)
            if message.accepted and message.advice:
                self.lines[hash_] = Line(who, at_ms, hash_, "advice", message.advice, request=message.request)


def _order(cite: dict[str, Any]) -> tuple[str, int, str]:
    return (str(cite["epoch"]), int(cite["seq"]), str(cite["hash"]))
