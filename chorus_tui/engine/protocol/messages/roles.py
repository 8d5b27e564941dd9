"""Working together by role and expertise: questions and answers, mentors, reports, who was given what, where a project stands."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from chorus_tui.contract.models.task_spec import TASK_ID
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import HASH, SEALED, EntryHash, Message, MessageType, Name, Urgency
from chorus_tui.engine.protocol.messages.talk import MAX_HOPS


class ExpertiseRequest(Message):
    """A question to whoever knows an area. With ``sealed`` only the roles the envelope names can read it."""

    expertise: list[Name] = Field(min_length=1, max_length=16)
    question: str = Field(default="", max_length=8_000)
    sealed: str = Field(default="", max_length=SEALED)
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    mesh_id: str | None = Field(default=None, pattern=HASH)
    urgency: Urgency = "medium"
    hops: int = Field(default=0, ge=0, le=MAX_HOPS)
    origin: str = Field(default="", max_length=64, description="Hash of the request that is passed on with this one")
    on_behalf_of: str = Field(default="", max_length=128)


class ExpertiseResponse(Message):
    """The answer of one who knows; ``request`` is the hash of the question's entry."""

    request: EntryHash
    can_help: bool
    answer: str = Field(default="", max_length=8_000)
    sealed: str = Field(default="", max_length=SEALED)
    expertise: list[Name] = Field(default_factory=list, max_length=32)
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    mesh_id: str | None = Field(default=None, pattern=HASH)
    on_behalf_of: str = Field(default="", max_length=128)


class MentorshipRequest(Message):
    """Somebody wants to be shown how: after an attempt that failed, or because a person asks."""

    subject: str = Field(min_length=1, max_length=2_000)
    expertise: list[Name] = Field(default_factory=list, max_length=16)
    tried: str = Field(default="", max_length=4_000)
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    mesh_id: str | None = Field(default=None, pattern=HASH)
    on_behalf_of: str = Field(default="", max_length=128)


class MentorshipResponse(Message):
    """What a mentor says, or that it cannot."""

    request: EntryHash
    accepted: bool
    advice: str = Field(default="", max_length=8_000)
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    mesh_id: str | None = Field(default=None, pattern=HASH)
    on_behalf_of: str = Field(default="", max_length=128)


class StatusUpdate(Message):
    """What a member tells the one it reports to."""

    agent_id: str = Field(max_length=64)
    period_s: int = Field(ge=0, description="Seconds since the update before")
    running: list[str] = Field(default_factory=list, max_length=32, description="Titles of tasks at work")
    done: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)
    blockers: list[str] = Field(default_factory=list, max_length=16)


class Candidate(BaseModel):
    """One worker that was considered. ``parts`` are the terms of the score, each 0 to 1, before weighing."""

    model_config = ConfigDict(extra="allow", frozen=True)

    peer_id: str = Field(max_length=128)
    score: float = Field(ge=0, le=1)
    parts: dict[str, float] = Field(default_factory=dict, max_length=8)
    words: str = Field(default="", max_length=500)


class WorkAllocation(Message):
    """Why a task was granted to this worker: the candidates, best first, with the parts of their scores."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    attempt: int = Field(ge=1)
    worker: str = Field(max_length=128)
    weights: dict[str, float] = Field(default_factory=dict, max_length=8)
    candidates: list[Candidate] = Field(default_factory=list, max_length=16)
    reason: str = Field(default="", max_length=1_000)


class RoleCollaboration(Message):
    """Calls the members of a role into a room or a session."""

    subject: Literal["room", "session"] = "room"
    subject_id: str = Field(min_length=1, max_length=128)
    thread_id: str = Field(default="", max_length=128)
    roles: list[Name] = Field(min_length=1, max_length=16)
    invitation: str = Field(default="", max_length=1_000)


class ProjectUpdate(Message):
    """Where a project stands, counted from its tasks. ``completion`` in percent."""

    project_id: str = Field(min_length=1, max_length=128)
    mesh_id: str = Field(pattern=HASH)
    phase: Literal["planning", "working", "blocked", "done"]
    completion: int = Field(ge=0, le=100)
    open: int = Field(default=0, ge=0)
    done: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)
    blockers: list[str] = Field(default_factory=list, max_length=16)
    term: int = Field(default=0, ge=0, description="In which its author leads")


ROWS: dict[str, MessageType] = {
    "expertise_request": MessageType(
        ExpertiseRequest, True, None, "collaboration",
        "a person, an agent", "a question to whoever knows an area", "agents of that expertise answer through their model",
        opens=True, family="CHORUS/expertise/",
    ),
    "expertise_response": MessageType(
        ExpertiseResponse, True, topics.META, "collaboration",
        "whoever knows", "it has an answer", "shown under the question; an asking agent reads it",
    ),
    "mentorship_request": MessageType(
        MentorshipRequest, True, topics.META, "collaboration",
        "an agent, a person", "an attempt has failed and another follows; somebody asks", "one agent of more experience answers",
        opens=True,
    ),
    "mentorship_response": MessageType(
        MentorshipResponse, True, topics.META, "collaboration",
        "a mentor", "it has advice, or cannot", "the next attempt's agent is shown it",
    ),
    "status_update": MessageType(
        StatusUpdate, True, None, "collaboration",
        "a member that reports to somebody", "a task of its ended; at most once a minute", "its supervisor's peers screen shows it",
        family="CHORUS/hierarchy/",
    ),
    "work_allocation": MessageType(
        WorkAllocation, True, topics.COORDINATION, "collaboration",
        "the admin", "it grants a task", "every peer shows why this worker has it",
    ),
    "role_collaboration": MessageType(
        RoleCollaboration, True, None, "collaboration",
        "whoever addresses a role", "a message in a room or session is addressed to a role",
        "peers of that role join the room", opens=True, family="CHORUS/roles/",
    ),
    "project_update": MessageType(
        ProjectUpdate, True, None, "collaboration",
        "the admin", "a task of the project ends or is announced; at most every 10 s", "every peer shows how far the project is",
        family="CHORUS/projects/",
    ),
}  # fmt: skip
