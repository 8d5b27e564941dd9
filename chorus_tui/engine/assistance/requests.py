"""Questions and their answers as the feeds tell them. Pure; order and repetition of entries do not matter.

A question is named by the hash of its entry, and every answer names it. Of each author the first answer to a question counts. A
question that was passed on is a question of its own that names the one it came from; its answers count for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, TaskHelpRequest
from chorus_tui.engine.protocol.messages.roles import (
    ExpertiseRequest,
    ExpertiseResponse,
    MentorshipRequest,
    MentorshipResponse,
)
from chorus_tui.engine.protocol.messages.talk import MAX_HOPS, EscalationTrigger, TaskHelpResponse

Kind = Literal["help", "expertise", "mentorship"]
Key = tuple[str, str]
"""(mesh id, task id)."""

TYPES = frozenset(
    {
        "task_help_request", "task_help_response", "expertise_request", "expertise_response", "mentorship_request",
        "mentorship_response", "escalation_trigger",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody asks. ``sealed`` holds the text for ``to_roles`` alone; ``tried`` is what came before a call for a mentor."""

    hash: str
    kind: Kind
    author: str
    at_ms: int
    text: str
    sealed: str = ""
    to_roles: tuple[str, ...] = ()
    expertise: tuple[str, ...] = ()
    task: Key | None = None
    attempt: int = 0
    urgency: str = "medium"
    hops: int = 0
    origin: str = ""
    tried: str = ""
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or that there is none. ``request`` is the hash of the question."""

    hash: str
    request: str
    author: str
    at_ms: int
    can_help: bool
    text: str
    sealed: str = ""
    on_behalf_of: str = ""

    @property
    def order(self) -> tuple[int, str]:
        """The same on every peer."""
        return (self.at_ms, self.hash)


@dataclass(slots=True)
class Requests:
    """All of them."""

    questions: dict[str, Question] = field(default_factory=dict)
    replies: dict[str, dict[str, Reply]] = field(default_factory=dict)
    """By question and author; an answer may come before its question."""
    escalated: dict[str, set[str]] = field(default_factory=dict)
    """Who called people for a task, by task id."""

    def clear(self) -> None:
        """Forget what peers said."""
        self.questions.clear()
        self.replies.clear()
        self.escalated.clear()

    def apply(self, entry: Entry, message: Message) -> str:
        """One feed entry; the question it concerns, empty for none."""
        at_ms = int(entry.header.hlc.partition(":")[0])
        question = _question(entry, message, at_ms)
        if question is not None:
            self.questions[question.hash] = question
            return question.hash
        reply = _reply(entry, message, at_ms)
        if reply is not None:
            held = self.replies.setdefault(reply.request, {})
            known = held.get(reply.author)
            if known is None or reply.order < known.order:
                held[reply.author] = reply
            return reply.request
        if isinstance(message, EscalationTrigger) and (message.subject, message.cause) == ("task", "no_help"):
            self.escalated.setdefault(message.subject_id, set()).add(entry.author)
        return ""

    def replies_to(self, request: str) -> list[Reply]:
        """What was answered to this very question, oldest first."""
        return sorted(self.replies.get(request, {}).values(), key=lambda one: one.order)

    def answers(self, request: str) -> list[Reply]:
        """Answers that help, also to what was passed on from it, oldest first. Nobody answers itself."""
        found: dict[str, Reply] = {}
        asker = self.questions[request].author if request in self.questions else ""
        for name in self._passed_on(request):
            found |= {one.hash: one for one in self.replies_to(name) if one.can_help and one.author != asker}
        return sorted(found.values(), key=lambda one: one.order)

    def _passed_on(self, request: str) -> list[str]:
        """The question and those that came from it."""
        names = [request]
        for _ in range(MAX_HOPS):
            names += [q.hash for q in self.questions.values() if q.origin in names and q.hash not in names]
        return names

    def passed_to(self, request: str, area: str) -> bool:
        """Whether somebody has passed the question on to those who know this area."""
        return any(one.origin == request and area in one.expertise for one in self.questions.values())


def _question(entry: Entry, message: Message, at_ms: int) -> Question | None:
    who, hash_ = entry.author, entry.hash
    if isinstance(message, TaskHelpRequest):
        return Question(
            hash_, "help", who, at_ms, message.help_needed, expertise=tuple(message.expertise),
            task=(message.mesh_id, message.task_id), attempt=message.attempt, urgency=message.urgency,
        )  # fmt: skip
    if isinstance(message, ExpertiseRequest):
        return Question(
            hash_, "expertise", who, at_ms, message.question, message.sealed, _to_roles(entry), tuple(message.expertise),
            _task(message), urgency=message.urgency, hops=message.hops, origin=message.origin, on_behalf_of=message.on_behalf_of,
        )  # fmt: skip
    if isinstance(message, MentorshipRequest):
        return Question(
            hash_, "mentorship", who, at_ms, message.subject, expertise=tuple(message.expertise), task=_task(message),
            tried=message.tried, on_behalf_of=message.on_behalf_of,
        )  # fmt: skip
    return None


def _task(message: ExpertiseRequest | MentorshipRequest) -> Key | None:
    return (message.mesh_id, message.task_id) if message.mesh_id and message.task_id else None


def _to_roles(entry: Entry) -> tuple[str, ...]:
    roles = (entry.envelope or {}).get("to_roles", [])
    return tuple(str(role) for role in roles)


def _reply(entry: Entry, message: Message, at_ms: int) -> Reply | None:
    who, hash_ = entry.author, entry.hash
    if isinstance(message, TaskHelpResponse):
        return Reply(
            hash_, message.request, who, at_ms, message.can_help, message.answer, on_behalf_of=message.on_behalf_of
        )
    if isinstance(message, ExpertiseResponse):
        return Reply(
            hash_, message.request, who, at_ms, message.can_help, message.answer, message.sealed, message.on_behalf_of
        )
    if isinstance(message, MentorshipResponse):
        return Reply(
            hash_, message.request, who, at_ms, message.accepted, message.advice, on_behalf_of=message.on_behalf_of
        )
    return None
