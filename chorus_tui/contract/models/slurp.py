"""What the mesh has learned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Request


class AskContext(Request):
    """What is known on a path? ``path`` is a project and, below it, whatever it is about."""

    path: str = Field(default="general", min_length=1, max_length=512)
    query: str = Field(default="", max_length=1_000)
    limit: int = Field(default=10, ge=1, le=100)


class ContextRow(Answer):
    """One piece of context."""

    node_id: str
    path: str
    kind: Literal["task", "consensus", "decision", "patch"]
    summary: str
    by: str
    by_name: str
    at: float
    relevance: float = Field(description="0 to 1, for what was asked")
    standing: float = Field(description="0 to 1: how far it is trusted, from what was said of it")
    used: int = Field(description="How often agents were shown it")
    level: int = Field(
        default=0,
        description="0 the path that was asked for, 1 below it, then level by level above; the last: no project",
    )
    staleness: float = Field(default=0.0, description="0 to 1: how many later decisions its path has seen")
    influence: float = Field(default=0.0, description="0 to 1: how much was built on it")
    purpose: str = ""
    technologies: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    insights: list[str] = Field(default_factory=list)
    sources: list[str] = Field(default_factory=list)
    confidence: float = 0.5
    header_only: bool = Field(default=False, description="What it says is sealed")


class ContextAnswer(Answer):
    """The most relevant first; ``known`` counts all that fit."""

    nodes: list[ContextRow]
    known: int


class ContextRef(Request):
    """One piece of context: its id or the first digits of it, or the UCXL address of something that it comes from."""

    node_id: str = Field(pattern="^(ucxl://.{1,1000}|[0-9a-f]{6,64})$")


class ContextHops(Answer):
    """A node, and how far away in decisions others are: ``builds_on[0]`` are those that it cites, ``builds_on[1]`` those that these
    cite; ``led_to`` the other way."""

    node: ContextRow
    builds_on: list[list[ContextRow]]
    led_to: list[list[ContextRow]]


class GiveFeedback(Request):
    """A person's word on a piece of context. ``node_id`` or its first digits; empty with ``missing``."""

    node_id: str = Field(default="", pattern="^([0-9a-f]{6,64})?$")
    event: Literal["helpful", "wrong", "outdated", "missing"]
    path: str = Field(default="general", min_length=1, max_length=512)
    note: str = Field(default="", max_length=1_000)


class FeedbackTaken(Answer):
    """Where the node stands now."""

    node_id: str
    standing: float | None = None


class SlurpStats(Answer):
    """In numbers."""

    nodes: int
    by_kind: dict[str, int]
    paths: int
    used: int
    judged: int
    waiting_events: int = Field(description="Events that no admin has taken in yet")
    waiting_requests: int = Field(description="Questions that no admin has answered yet")
