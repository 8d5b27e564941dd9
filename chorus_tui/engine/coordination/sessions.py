"""Sessions of coordination as the feeds tell them: why opened, with what plan, what was said, how they ended. Pure.

Every peer computes the same from the same entries, in whatever order and however often they come. What only an admin may say
counts when its author led that mesh in the term it names. Of alerts, requests and plans the first counts; a session is
escalated by the first completion that says so and ended for ever by the first that resolves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from chorus_tui.engine.coordination.rules import Pair, pair
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, MetaDiscussion
from chorus_tui.engine.protocol.messages.talk import (
    CooeePlan,
    CoordinationComplete,
    CoordinationRequest,
    Dependency,
    DependencyAlert,
    EscalationTrigger,
)

BY_ADMIN = "dep_"
"""How ids of sessions begin that only an admin may open."""
PARTICIPANTS = 5
Status = Literal["active", "resolved", "escalated"]


M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Said(Generic[M]):
    """A message with its verified author."""

    author: str
    at_ms: int
    hash: str
    message: M

    @property
    def order(self) -> tuple[int, str]:
        """By the authors' hybrid clocks, then by hash: the same on every peer."""
        return (self.at_ms, self.hash)


@dataclass(frozen=True, slots=True)
class Judges:
    """Whose words count. ``led(author, mesh, term)``; ``may_open(author)``: by authority; ``person(author)``: is one."""

    led: Callable[[str, str, int], bool]
    may_open: Callable[[str], bool]
    person: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Session:
    """One session. ``words`` are those that count: of its participants and of people."""

    session_id: str
    mesh_id: str
    kind: str
    objective: str
    participants: tuple[str, ...]
    dependency: Dependency | None
    opened_by: str
    opened_ms: int
    plan: Said[CooeePlan] | None
    words: tuple[Said[MetaDiscussion], ...]
    escalated: Said[CoordinationComplete] | None
    resolved: Said[CoordinationComplete] | None
    triggered: bool
    """People were told that it is escalated."""
    answered: bool
    """A person has spoken since it was escalated."""

    @property
    def status(self) -> Status:
        """How it stands."""
        if self.resolved is not None:
            return "resolved"
        return "escalated" if self.escalated is not None else "active"

    @property
    def last_ms(self) -> int:
        """When something was said in it last."""
        ends = [said.at_ms for said in (self.plan, self.escalated, self.resolved) if said is not None]
        return max([self.opened_ms, *ends, *(word.at_ms for word in self.words)])


@dataclass(slots=True)
class Sessions:
    """What was said of all sessions, by the hash of each entry. A word may come before the request that opens its session."""

    alerts: dict[Pair, dict[str, Said[DependencyAlert]]] = field(default_factory=dict)
    requests: dict[str, dict[str, Said[CoordinationRequest]]] = field(default_factory=dict)
    plans: dict[str, dict[str, Said[CooeePlan]]] = field(default_factory=dict)
    completions: dict[str, dict[str, Said[CoordinationComplete]]] = field(default_factory=dict)
    words: dict[str, dict[str, Said[MetaDiscussion]]] = field(default_factory=dict)
    triggers: dict[str, dict[str, Said[EscalationTrigger]]] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget what peers said."""
        self.alerts.clear()
        self.requests.clear()
        self.plans.clear()
        self.completions.clear()
        self.words.clear()
        self.triggers.clear()

    def apply(self, entry: Entry, message: Message) -> str:
        """One feed entry; the session that it may concern, empty for none."""
        at_ms = int(entry.header.hlc.partition(":")[0])
        if isinstance(message, DependencyAlert):
            sides = message.dependency
            key = pair(message.mesh_id, sides.task1.task_id, sides.task2.task_id)
            self.alerts.setdefault(key, {})[entry.hash] = Said(entry.author, at_ms, entry.hash, message)
            return ""
        if isinstance(message, CoordinationRequest):
            self.requests.setdefault(message.session_id, {})[entry.hash] = Said(
                entry.author, at_ms, entry.hash, message
            )
            return message.session_id
        if isinstance(message, CooeePlan):
            self.plans.setdefault(message.session_id, {})[entry.hash] = Said(entry.author, at_ms, entry.hash, message)
            return message.session_id
        if isinstance(message, CoordinationComplete):
            said = Said(entry.author, at_ms, entry.hash, message)
            self.completions.setdefault(message.session_id, {})[entry.hash] = said
            return message.session_id
        return self._hear(entry, message, at_ms)

    def _hear(self, entry: Entry, message: Message, at_ms: int) -> str:
        """Words and calls for people. Words about a task stand in the task's thread, not here."""
        if isinstance(message, MetaDiscussion) and message.task_id is None and message.message:
            self.words.setdefault(message.thread_id, {})[entry.hash] = Said(entry.author, at_ms, entry.hash, message)
            return message.thread_id
        if isinstance(message, EscalationTrigger) and message.subject == "session":
            self.triggers.setdefault(message.subject_id, {})[entry.hash] = Said(
                entry.author, at_ms, entry.hash, message
            )
            return message.subject_id
        return ""

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def alerted(self, key: Pair, judges: Judges) -> bool:
        """Whether an admin has told of this pair."""
        return self.alert(key, judges) is not None

    def alert(self, key: Pair, judges: Judges) -> Said[DependencyAlert] | None:
        """What an admin first told of this pair."""
        said = self.alerts.get(key, {}).values()
        return _first(one for one in said if judges.led(one.author, one.message.mesh_id, one.message.term))

    def request(self, session_id: str, judges: Judges) -> Said[CoordinationRequest] | None:
        """What opened a session."""
        said = self.requests.get(session_id, {}).values()
        return _first(one for one in said if may_open(session_id, one.author, one.message, judges))

    def session(self, session_id: str, judges: Judges) -> Session | None:
        """A session as it stands; None when nobody opened it who may."""
        opened = self.request(session_id, judges)
        if opened is None:
            return None
        mesh_id, participants = opened.message.mesh_id, tuple(dict.fromkeys(opened.message.participants))[:PARTICIPANTS]
        plans = self.plans.get(session_id, {}).values()
        ends = [
            one for one in self.completions.get(session_id, {}).values()
            if one.message.mesh_id == mesh_id and judges.led(one.author, mesh_id, one.message.term)
        ]  # fmt: skip
        words = sorted(
            (
                one for one in self.words.get(session_id, {}).values()
                if one.author in participants or judges.person(one.author)
            ), key=lambda one: one.order,
        )  # fmt: skip
        escalated = _first(one for one in ends if one.message.outcome == "escalated")
        return Session(
            session_id, mesh_id, opened.message.kind, opened.message.objective, participants, opened.message.dependency,
            opened.author, opened.at_ms,
            _first(p for p in plans if p.message.mesh_id == mesh_id and judges.led(p.author, mesh_id, p.message.term)),
            tuple(words), escalated, _first(one for one in ends if one.message.outcome == "resolved"),
            bool(self.triggers.get(session_id)),
            escalated is not None and any(w.order > escalated.order and judges.person(w.author) for w in words),
        )  # fmt: skip

    def all(self, judges: Judges, mesh_id: str | None = None) -> list[Session]:
        """Every session, or those of one mesh, oldest first."""
        found = [self.session(session_id, judges) for session_id in self.requests]
        some = [one for one in found if one is not None and mesh_id in (None, one.mesh_id)]
        return sorted(some, key=lambda one: (one.opened_ms, one.session_id))


def may_open(session_id: str, author: str, request: CoordinationRequest, judges: Judges) -> bool:
    """Whether this request opens the session: a pair's by an admin; any other by a member, under an id with its own name in
    it, so that nobody takes the place of somebody else's session."""
    if session_id.startswith(BY_ADMIN):
        return judges.led(author, request.mesh_id, request.term)
    return session_id.endswith(f"_{author[-8:]}") and judges.may_open(author)


def _first(said: Iterable[Said[M]]) -> Said[M] | None:
    return min(said, key=lambda one: one.order, default=None)
