"""Tasks: announced, called, claimed, told of, ended, checked, steered, delivered, cancelled."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.task_result import CommandResult, Figures, Spent, TaskResult
from chorus_tui.contract.models.task_spec import TASK_ID, TaskSpec
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import HASH, Message, MessageType


class TaskAnnouncement(Message):
    """A task, in the mesh it belongs to. ``continues`` names an open task of a mesh that was left; ``retry_of`` an ended
    one of the same mesh, of which this is a new attempt."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    spec: TaskSpec
    on_behalf_of: str = Field(default="", max_length=128)
    continues: str | None = Field(default=None, pattern=TASK_ID)
    continues_mesh: str | None = Field(default=None, pattern=HASH)
    retry_of: str | None = Field(default=None, pattern=TASK_ID)


class TaskClaim(Message):
    """The worker of a grant has started (seed 0's claim)."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    attempt: int = Field(ge=1)
    agent_id: str = Field(max_length=64)


class TaskProgress(Message):
    """Fleeting: the phase and a piece of output. ``offset`` counts bytes of the attempt's whole output."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
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
    mesh_id: str = Field(pattern=HASH)
    title: str = Field(default="", max_length=200)


class TaskComplete(Message):
    """The result of an attempt, good or bad; evidence until the control log accepts it."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    attempt: int = Field(ge=1)
    result: TaskResult


class TaskChecked(Message):
    """What the checks of a result showed; counts when the control log cites it. ``result`` is the hash of its entry."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    attempt: int = Field(ge=1)
    result: str = Field(pattern=HASH)
    verdict: Literal["passed", "failed", "error"]
    detail: str = Field(default="", max_length=1000)
    checks: list[CommandResult] = Field(default_factory=list, max_length=16)
    output_tail: str = Field(default="", max_length=8192)
    output_bytes: int = Field(default=0, ge=0)
    log: str = Field(default="", max_length=80)


class TaskSteering(Message):
    """Asks the worker of a task to pause, to go on, or to stop with what it has."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    act: Literal["pause", "resume", "stop"]
    reason: str = Field(default="", max_length=300)
    on_behalf_of: str = Field(default="", max_length=128)


class DeliverableReady(Message):
    """An accepted change was brought to its repository, or could not be: ``problem`` says why."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    attempt: int = Field(ge=1)
    where: str = Field(default="", max_length=1024)
    ref: str = Field(default="", max_length=256)
    commit: str = Field(default="", max_length=64)
    problem: str = Field(default="", max_length=1000)


class TaskCancelRequest(Message):
    """Asks the admin to cancel."""

    task_id: str = Field(pattern=TASK_ID)
    mesh_id: str = Field(pattern=HASH)
    reason: str = Field(default="", max_length=500)


ROWS: dict[str, MessageType] = {
    "task_announcement": MessageType(
        TaskAnnouncement, True, topics.COORDINATION, "task_announced",
        "a person, a program, an agent", "a task is announced", "workers offer; the admin grants it", opens=True,
    ),
    "task_call": MessageType(
        TaskCall, False, None, "task_announced",
        "the admin", "a task of a role (or, without one, an area of expertise) waits; every 30 s",
        "workers offer at once, people are told", family="CHORUS/",
    ),
    "task_claim": MessageType(
        TaskClaim, True, topics.COORDINATION, "task_claimed",
        "a worker", "it starts a grant", "shown as started",
    ),
    "task_progress": MessageType(
        TaskProgress, False, None, "task_progress",
        "a worker", "a phase begins, and every 30 s, on the coordination topic without text; output at most once a second on the task's",
        "phase, output and figures, live", family="CHORUS/",
    ),
    "task_complete": MessageType(
        TaskComplete, True, topics.COORDINATION, "task_completed",
        "a worker", "an attempt has ended", "the admin accepts, fails, releases it, or has it checked",
    ),
    "task_checked": MessageType(
        TaskChecked, True, topics.COORDINATION, "task_completed",
        "a checker", "it has run the checks of a result", "the admin accepts or fails the result, or asks another checker",
    ),
    "task_steering": MessageType(
        TaskSteering, True, topics.COORDINATION, "collaboration",
        "whoever may cancel the task", "an agent is to pause, go on, or stop", "it does so between two steps",
    ),
    "deliverable_ready": MessageType(
        DeliverableReady, True, topics.COORDINATION, "task_completed",
        "the worker of an accepted change", "it was brought to its repository, or could not be", "shown with the result",
    ),
    "task_cancel_request": MessageType(
        TaskCancelRequest, True, topics.COORDINATION, "task_cancelled",
        "whoever may", "a task is to be cancelled", "the admin cancels it; its container is gone within 5 s",
    ),
}  # fmt: skip
