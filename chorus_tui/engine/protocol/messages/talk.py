"""The meta discussion: words in threads, calls for help and their answers, dependencies, sessions, escalations."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chorus_tui.contract.models.task_spec import TASK_ID
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import HASH, SEALED, EntryHash, Message, MessageType, Name, Urgency

MAX_HOPS = 3
"""Of a call for help or a dependency: who passes it on once more is not heard."""


_TERM = Field(default=0, ge=0, description="The term in which its author says it as the admin; 0: as no admin")


class MetaDiscussion(Message):
    """A word in a thread; ``task_id`` where the thread is a task's. ``attempt`` 0: not said by its worker.

    A session of coordination is a thread too: there the words are proposals, agreements, concerns. With ``sealed`` only the
    roles that the envelope names can read what is said, and ``message`` is empty.
    """

    thread_id: str = Field(max_length=128)
    message: str = Field(default="", max_length=8_000)
    sealed: str = Field(default="", max_length=SEALED)
    intent: Literal["word", "proposal", "question", "agreement", "concern", "response"] = "word"
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    mesh_id: str | None = Field(default=None, pattern=HASH)
    attempt: int = Field(default=0, ge=0)
    on_behalf_of: str = Field(default="", max_length=128)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if bool(self.message) == bool(self.sealed):
            raise ValueError("message: either the words or a sealed part")
        return self


class TaskHelpRequest(Message):
    """A worker does not get on by itself."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    attempt: int = Field(ge=1)
    help_needed: str = Field(max_length=8_000)
    urgency: Urgency = "medium"
    expertise: list[Name] = Field(default_factory=list, max_length=16)


class TaskHelpResponse(Message):
    """An answer to a call for help; ``request`` is the hash of its entry."""

    request: EntryHash
    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    can_help: bool
    answer: str = Field(default="", max_length=8_000)
    capabilities: list[Name] = Field(default_factory=list, max_length=32)
    on_behalf_of: str = Field(default="", max_length=128)


class TaskSide(BaseModel):
    """One of two tasks that depend on each other."""

    model_config = ConfigDict(extra="allow", frozen=True)

    task_id: str = Field(pattern=TASK_ID)
    title: str = Field(default="", max_length=200)
    project_id: str = Field(default="", max_length=128)
    repository: str = Field(default="", max_length=1024)
    agent_id: str = Field(default="", max_length=128)


class Dependency(BaseModel):
    """Two tasks, what lies between them, and why somebody thinks so. ``confidence`` 0 to 1."""

    model_config = ConfigDict(extra="allow", frozen=True)

    task1: TaskSide
    task2: TaskSide
    rule: str = Field(max_length=64)
    relationship: str = Field(max_length=64)
    confidence: float = Field(ge=0, le=1)
    reason: str = Field(default="", max_length=1_000)


class DependencyAlert(Message):
    """Two tasks of different repositories touch the same thing."""

    mesh_id: str = Field(pattern=HASH)
    dependency: Dependency
    request: str = Field(default="", max_length=2_000)
    agents_involved: list[Name] = Field(default_factory=list, max_length=16)
    hops: int = Field(default=0, ge=0, le=MAX_HOPS)
    term: int = _TERM


class CoordinationRequest(Message):
    """Opens a session (the original's ``cooee.request``)."""

    session_id: str = Field(min_length=1, max_length=128)
    mesh_id: str = Field(pattern=HASH)
    kind: Literal["dependency", "conflict", "planning"] = "dependency"
    objective: str = Field(max_length=2_000)
    dependency: Dependency | None = None
    constraints: list[str] = Field(default_factory=list, max_length=16)
    participants: list[Name] = Field(default_factory=list, max_length=16)
    term: int = _TERM
    on_behalf_of: str = Field(default="", max_length=128)


class PlanStep(BaseModel):
    """One step of a plan; ``deps`` are ids of steps before it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = Field(max_length=32)
    owner: str = Field(default="", max_length=128)
    desc: str = Field(max_length=500)
    deps: list[str] = Field(default_factory=list, max_length=16)
    done: bool = False


class PlanRisk(BaseModel):
    """What could go wrong, and what would help."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = Field(max_length=32)
    desc: str = Field(max_length=500)
    mitigation: str = Field(default="", max_length=500)


class CooeePlan(Message):
    """The plan of a session (the original's ``cooee.plan``); ``made_by`` says whether a model or the rules made it."""

    session_id: str = Field(min_length=1, max_length=128)
    mesh_id: str = Field(pattern=HASH)
    participants: list[Name] = Field(default_factory=list, max_length=16)
    steps: list[PlanStep] = Field(default_factory=list, max_length=32)
    risks: list[PlanRisk] = Field(default_factory=list, max_length=16)
    success_criteria: list[str] = Field(default_factory=list, max_length=16)
    made_by: str = Field(default="", max_length=128)
    term: int = _TERM


class CoordinationComplete(Message):
    """A session has ended."""

    session_id: str = Field(min_length=1, max_length=128)
    mesh_id: str = Field(pattern=HASH)
    outcome: Literal["resolved", "escalated"]
    resolution: str = Field(default="", max_length=2_000)
    summary: str = Field(default="", max_length=4_000)
    term: int = _TERM


class EscalationTrigger(Message):
    """Something needs a person: a room, a session, a task. Said once a cause; ``answer`` ends it."""

    subject: Literal["room", "session", "task", "decision"]
    subject_id: str = Field(min_length=1, max_length=128)
    thread_id: str = Field(default="", max_length=128)
    cause: Literal["asked", "messages", "time", "distress", "no_help"]
    reason: str = Field(default="", max_length=1_000)
    summary: str = Field(default="", max_length=4_000)
    to_role: str = Field(default="", max_length=128)
    participants: list[Name] = Field(default_factory=list, max_length=32)
    ref: str = Field(default="", max_length=128, description="With the cause ``asked``: the message that asked")


ROWS: dict[str, MessageType] = {
    "meta_discussion": MessageType(
        MetaDiscussion, True, topics.META, "collaboration",
        "a person, an agent", "a word in a task's thread or in a session",
        "shown in the thread; the task's agent reads it before its next step", opens=True,
    ),
    "task_help_request": MessageType(
        TaskHelpRequest, True, topics.META, "collaboration",
        "an agent at work", "it does not get on", "shown in the thread; agents that can answer do",
    ),
    "task_help_response": MessageType(
        TaskHelpResponse, True, topics.META, "collaboration",
        "an agent that can, a person", "it has an answer to a call for help", "the asking agent reads it before its next step",
    ),
    "dependency_alert": MessageType(
        DependencyAlert, True, topics.META, "collaboration",
        "the admin", "two open tasks of different repositories match one of the four rules", "shown with both tasks; a session is opened",
    ),
    "coordination_request": MessageType(
        CoordinationRequest, True, topics.COORDINATION, "collaboration",
        "the admin, a person", "a session is opened", "its participants take part; every peer shows it",
    ),
    "cooee_plan": MessageType(
        CooeePlan, True, topics.COORDINATION, "plan_proposed",
        "the admin", "a session has been opened", "participants agree or object; shown with the session",
    ),
    "coordination_complete": MessageType(
        CoordinationComplete, True, topics.COORDINATION, "consensus_reached",
        "the admin", "its participants agree, or it is escalated", "the session is closed everywhere",
    ),
    "escalation_trigger": MessageType(
        EscalationTrigger, True, topics.META, "escalation",
        "the peer that sees the cause", "asked for; too many messages; too long; distress; no help came",
        "in the inbox of whoever may answer; agents are silent there until a person does",
    ),
}  # fmt: skip
