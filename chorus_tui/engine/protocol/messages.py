"""The message types that travel in envelopes: their fields, whether they last, where they go, how they are logged.

Unknown types are stored and skipped; unknown fields are kept; a known type whose data does not fit its model is not
forwarded, counted, and, when durable, stored as unreadable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chorus_tui.contract.models.task_result import CommandResult, Figures, Spent, TaskResult
from chorus_tui.contract.models.task_spec import TASK_ID, TaskSpec
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.canonical import WireError

_HASH = r"^[0-9a-f]{64}$"


class Message(BaseModel):
    """Base of message data: a newer peer's extra fields are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


class EpochOpened(Message):
    """First entry of an epoch; the header's ``prev`` commits to the head named here."""

    version: str = Field(max_length=64)
    previous_epoch: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    previous_seq: int | None = Field(default=None, ge=0)


class Goodbye(Message):
    """Last entry before an orderly stop."""

    reason: str = Field(default="", max_length=200)


class RoleAnnouncement(Message):
    """A *request*: who I am and what I would like to be. What counts is in the control log."""

    agent_id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    kind: Literal["agent", "human"]
    role: str = Field(default="", max_length=64)
    expertise: list[str] = Field(default_factory=list, max_length=32)
    specialization: str = Field(default="general", max_length=64)
    reports_to: str = Field(default="", max_length=64)
    version: str = Field(default="", max_length=64)


class CapabilityBroadcast(Message):
    """What this peer can run; said at start and on change."""

    agent_id: str = Field(max_length=64)
    languages: list[str] = Field(default_factory=list, max_length=64)
    max_tasks: int = Field(ge=0, le=1000)
    docker: bool
    approval: Literal["auto", "risky", "always"] = "auto"
    models: list[str] = Field(default_factory=list, max_length=32, description="Language models that answer it")
    reason: Literal["startup", "model_change", "capability_change", "specialization_change", "unknown_change"] = (
        "startup"
    )


class AvailabilityBroadcast(Message):
    """Every 30 s and on change."""

    agent_id: str = Field(max_length=64)
    status: Literal["ready", "working", "busy", "draining"]
    current_tasks: int = Field(ge=0, le=10_000)
    max_tasks: int = Field(ge=0, le=10_000)
    load: float = Field(default=0.0, ge=0)


class TaskAnnouncement(Message):
    """A task, in the mesh it belongs to. ``continues`` names an open task of a mesh that was left; ``retry_of`` an ended
    one of the same mesh, of which this is a new attempt."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    spec: TaskSpec
    on_behalf_of: str = Field(default="", max_length=128)
    continues: str | None = Field(default=None, pattern=TASK_ID)
    continues_mesh: str | None = Field(default=None, pattern=_HASH)
    retry_of: str | None = Field(default=None, pattern=TASK_ID)


class TaskClaim(Message):
    """The worker of a grant has started (seed 0's claim)."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    attempt: int = Field(ge=1)
    agent_id: str = Field(max_length=64)


class TaskProgress(Message):
    """Fleeting: the phase and a piece of output. ``offset`` counts bytes of the attempt's whole output."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    attempt: int = Field(ge=1)
    phase: Literal["pulling", "creating", "starting", "running", "collecting"]
    offset: int = Field(default=0, ge=0)
    text: str = Field(default="", max_length=32_768)
    detail: str = Field(default="", max_length=500)
    spent: Spent | None = None
    figures: Figures | None = None


class TaskCall(Message):
    """Fleeting, by the admin, on the topics of a task's role or expertise: who can is to offer or claim."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    title: str = Field(default="", max_length=200)


class TaskComplete(Message):
    """The result of an attempt, good or bad; evidence until the control log accepts it."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    attempt: int = Field(ge=1)
    result: TaskResult


class TaskChecked(Message):
    """What the checks of a result showed; counts when the control log cites it. ``result`` is the hash of its entry."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    attempt: int = Field(ge=1)
    result: str = Field(pattern=_HASH)
    verdict: Literal["passed", "failed", "error"]
    detail: str = Field(default="", max_length=1000)
    checks: list[CommandResult] = Field(default_factory=list, max_length=16)
    output_tail: str = Field(default="", max_length=8192)
    output_bytes: int = Field(default=0, ge=0)
    log: str = Field(default="", max_length=80)


class TaskSteering(Message):
    """Asks the worker of a task to pause, to go on, or to stop with what it has."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    act: Literal["pause", "resume", "stop"]
    reason: str = Field(default="", max_length=300)
    on_behalf_of: str = Field(default="", max_length=128)


class TaskHelpRequest(Message):
    """A worker does not get on by itself."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    attempt: int = Field(ge=1)
    help_needed: str = Field(max_length=8_000)
    urgency: Literal["low", "medium", "high"] = "medium"


class MetaDiscussion(Message):
    """A word in a thread; ``task_id`` where the thread is a task's. ``attempt`` 0: not said by its worker."""

    thread_id: str = Field(max_length=128)
    message: str = Field(max_length=8_000)
    intent: Literal["word", "proposal"] = "word"
    task_id: str | None = Field(default=None, pattern=TASK_ID)
    mesh_id: str | None = Field(default=None, pattern=_HASH)
    attempt: int = Field(default=0, ge=0)
    on_behalf_of: str = Field(default="", max_length=128)


class DeliverableReady(Message):
    """An accepted change was brought to its repository, or could not be: ``problem`` says why."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    attempt: int = Field(ge=1)
    where: str = Field(default="", max_length=1024)
    ref: str = Field(default="", max_length=256)
    commit: str = Field(default="", max_length=64)
    problem: str = Field(default="", max_length=1000)


class TaskCancelRequest(Message):
    """Asks the admin to cancel."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=_HASH)
    reason: str = Field(default="", max_length=500)


class SignedHeader(BaseModel):
    """A feed entry without its body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: str = Field(max_length=4096)
    sig: str = Field(max_length=256)


class ForkEvidence(Message):
    """Two entries of one author under one number, as whoever saw them tells it to all."""

    first: SignedHeader
    second: SignedHeader


class Watermarks(Message):
    """Fleeting, every 10 s: how much of each feed the sender holds, as ``{author: {epoch: next_seq}}`` of open epochs."""

    held: dict[str, dict[str, int]]


class ControlEntries(Message):
    """Fleeting: committed control entries for followers, or the admin's heartbeat when ``entries`` is empty.

    Each item of ``entries`` is ``{"entry": <canonical text>, "sig": …}``; ``certificate`` and ``term`` are as in
    :mod:`chorus_tui.engine.control.log`.
    """

    mesh_id: str = Field(pattern=_HASH)
    term: int = Field(ge=1)
    commit: int = Field(ge=0)
    head: str = Field(pattern=_HASH, description="Hash of the entry at ``commit``")
    entries: list[dict[str, Any]] = Field(default_factory=list, max_length=64)
    certificate: dict[str, Any] | None = None
    election: dict[str, Any] | None = None
    standing: dict[str, list[int]] = Field(default_factory=dict, max_length=14)


@dataclass(frozen=True, slots=True)
class MessageType:
    """One row of the table."""

    model: type[Message]
    durable: bool
    topic: str | None
    """The static topic, or None for a dynamic one."""
    log_type: str
    opens: bool = False
    """It begins something new, so a peer's quota counts it; what ends something always passes."""


TYPES: dict[str, MessageType] = {
    "epoch_opened": MessageType(EpochOpened, True, topics.COORDINATION, "network_event"),
    "goodbye": MessageType(Goodbye, True, topics.COORDINATION, "peer_left"),
    "role_announcement": MessageType(RoleAnnouncement, True, topics.META, "collaboration"),
    "capability_broadcast": MessageType(CapabilityBroadcast, True, topics.COORDINATION, "capability_broadcast"),
    "availability_broadcast": MessageType(AvailabilityBroadcast, False, topics.COORDINATION, "network_event"),
    "task_announcement": MessageType(TaskAnnouncement, True, topics.COORDINATION, "task_announced", opens=True),
    "task_claim": MessageType(TaskClaim, True, topics.COORDINATION, "task_claimed"),
    "task_progress": MessageType(TaskProgress, False, None, "task_progress"),
    "task_call": MessageType(TaskCall, False, None, "task_announced"),
    "task_complete": MessageType(TaskComplete, True, topics.COORDINATION, "task_completed"),
    "task_checked": MessageType(TaskChecked, True, topics.COORDINATION, "task_completed"),
    "task_steering": MessageType(TaskSteering, True, topics.COORDINATION, "collaboration"),
    "task_help_request": MessageType(TaskHelpRequest, True, topics.META, "collaboration"),
    "meta_discussion": MessageType(MetaDiscussion, True, topics.META, "collaboration", opens=True),
    "deliverable_ready": MessageType(DeliverableReady, True, topics.COORDINATION, "task_completed"),
    "task_cancel_request": MessageType(TaskCancelRequest, True, topics.COORDINATION, "task_cancelled"),
    "fork_evidence": MessageType(ForkEvidence, True, topics.COORDINATION, "network_event"),
    "watermarks": MessageType(Watermarks, False, topics.COORDINATION, "network_event"),
    "admin_heartbeat": MessageType(ControlEntries, False, topics.ELECTION, "network_event"),
    "control_entries": MessageType(ControlEntries, False, topics.ELECTION, "network_event"),
}


def check(type_: str, data: dict[str, Any]) -> Message | None:
    """Validate ``data`` of a known type; None for an unknown one. Raises :class:`WireError` (``bad_data``)."""
    row = TYPES.get(type_)
    if row is None:
        return None
    try:
        return row.model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WireError("bad_data", f"{type_}: {where}: {first['msg']}") from None


def log_type(type_: str) -> str:
    """The original's name in its log; unknown types are network events."""
    row = TYPES.get(type_)
    return row.log_type if row else "network_event"
