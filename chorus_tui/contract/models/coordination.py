"""Coordination: sessions between tasks that touch the same thing, where projects stand, what members report."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Page, Paged, Request

Status = Literal["active", "resolved", "escalated"]
Intent = Literal["word", "proposal", "question", "agreement", "concern", "response"]


class ListSessions(Paged):
    """Those that go on and those that wait for a person; with ``everything`` also those that have ended or gone quiet."""

    everything: bool = False


class SessionRef(Request):
    """Names a session."""

    session_id: str = Field(min_length=1, max_length=128)


class SayInSession(SessionRef):
    """A word in a session. Its intent is for readers; what counts as agreement are its words."""

    text: str = Field(min_length=1, max_length=4_000)
    intent: Intent = "word"


class OpenSession(Request):
    """A session about ``objective`` with these members, by name or peer id; whoever opens it takes part."""

    objective: str = Field(min_length=1, max_length=1_000)
    participants: list[str] = Field(default_factory=list, max_length=4)
    kind: Literal["conflict", "planning"] = "planning"


class SessionRow(Answer):
    """One session. ``active``: it goes on; neither ended, nor with a person, nor quiet for two hours."""

    session_id: str
    kind: str
    objective: str
    status: Status
    active: bool
    participants: list[str] = Field(description="Names")
    opened_at: float
    last_at: float
    words: int


class SessionList(Page):
    """Newest first."""

    sessions: list[SessionRow]


class Side(Answer):
    """One of two tasks that depend on each other."""

    task_id: str
    title: str
    repository: str = ""
    agent: str = Field(default="", description="Name of who works on it, or asked for it")


class SessionPlan(Answer):
    """Who does what, what could go wrong. ``made_by``: a model, or the rules; ``said_by`` is the admin that signed it."""

    made_by: str
    said_by: str
    steps: list[str]
    risks: list[str] = Field(default_factory=list)
    success_criteria: list[str] = Field(default_factory=list)


class SessionWord(Answer):
    """A word in a session, with its verified signer."""

    by: str
    name: str
    at: float
    intent: Intent
    text: str
    agrees: bool


class SessionView(SessionRow):
    """Everything of a session. It is agreed when ``agreeing`` reaches ``needed``, counted in the last three words."""

    rule: str = ""
    reason: str = ""
    tasks: list[Side] = Field(default_factory=list)
    opened_by: str = ""
    plan: SessionPlan | None = None
    thread: list[SessionWord] = Field(default_factory=list)
    agreeing: int = 0
    needed: int = 0
    resolution: str = Field(default="", description="How it ended, or why it was escalated")


class CoordinatedWith(Answer):
    """Another task with which a task is coordinated, and where."""

    session_id: str
    task_id: str
    title: str
    rule: str
    status: Status


class ProjectView(Answer):
    """Where a project stands, as its admin said last. ``completion`` in percent."""

    project_id: str
    phase: Literal["planning", "working", "blocked", "done"]
    completion: int
    open: int
    done: int
    failed: int
    blockers: list[str] = Field(default_factory=list)
    at: float
    by: str = Field(default="", description="Name of the admin that said it")


class ProjectList(Page):
    """By name."""

    projects: list[ProjectView]


class ReportView(Answer):
    """What a member reported to this one last: counted since its report before."""

    peer_id: str
    name: str
    at: float
    period_s: int
    running: list[str] = Field(default_factory=list)
    done: int = 0
    failed: int = 0
    blockers: list[str] = Field(default_factory=list)


class ReportList(Page):
    """Newest first."""

    reports: list[ReportView]
