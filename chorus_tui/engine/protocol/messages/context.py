"""Context and what becomes of it: questions and answers, use and worth, and the events that SLURP learns from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from chorus_tui.contract.models.task_spec import TASK_ID
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import HASH, EntryHash, Message, MessageType

_PATH = Field(min_length=1, max_length=512, description="Project and path: what the context is about")


_Word = Annotated[str, Field(min_length=1, max_length=64)]


class Learned(BaseModel):
    """What is remembered besides a summary. ``cites`` are nodes that it builds on; ``sources`` addresses and blobs; ``confidence``
    is how far whoever settled it could show it; ``header_only``: what it says is sealed, and only that it exists is told."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    purpose: str = Field(default="", max_length=500)
    technologies: list[_Word] = Field(default_factory=list, max_length=16)
    tags: list[_Word] = Field(default_factory=list, max_length=16)
    insights: list[Annotated[str, Field(max_length=500)]] = Field(default_factory=list, max_length=8)
    sources: list[Annotated[str, Field(max_length=512)]] = Field(default_factory=list, max_length=16)
    cites: list[EntryHash] = Field(default_factory=list, max_length=16)
    confidence: float = Field(default=0.5, ge=0, le=1)
    header_only: bool = False


class ContextNode(Learned):
    """One piece of context; its id is the hash of the entry that it was learned from."""

    node_id: str = Field(pattern=HASH)
    context_path: str = _PATH
    summary: str = Field(default="", max_length=2_000)
    kind: Literal["task", "consensus", "decision", "patch"] = "task"
    by: str = Field(default="", max_length=128)
    at_ms: int = Field(default=0, ge=0)
    relevance: float = Field(default=1.0, ge=0, le=1)


class FeedbackEvent(Message):
    """Somebody judges a piece of context, or a result: how helpful it was."""

    context_path: str = _PATH
    event: Literal["helpful", "wrong", "outdated", "missing"]
    node_id: str = Field(default="", max_length=64)
    relevance_score: float = Field(default=0.0, ge=0, le=1)
    note: str = Field(default="", max_length=1_000)
    on_behalf_of: str = Field(default="", max_length=128)


class ContextRequest(Message):
    """What is known of this? Asked of the admin."""

    context_path: str = _PATH
    query: str = Field(default="", max_length=1_000)
    task_id: str | None = Field(default=None, pattern=TASK_ID)


class ContextResponse(Message):
    """What the admin knows; ``request`` is the hash of the question's entry."""

    request: EntryHash
    context_path: str = _PATH
    nodes: list[ContextNode] = Field(default_factory=list, max_length=16)
    known: int = Field(default=0, ge=0, description="Nodes that matched, shown or not")


class ContextUsage(Message):
    """An agent was shown these nodes for its task."""

    context_path: str = _PATH
    nodes: list[str] = Field(default_factory=list, max_length=32)
    usage_count: int = Field(default=1, ge=1)
    task_id: str | None = Field(default=None, pattern=TASK_ID)


class ContextRelevance(Message):
    """How much a node had to do with what was asked, measured after the fact. ``relevance_score`` 0 to 1."""

    context_path: str = _PATH
    node_id: str = Field(pattern=HASH)
    relevance_score: float = Field(ge=0, le=1)
    query: str = Field(default="", max_length=1_000)


class SlurpEventGenerated(Message, Learned):
    """Something was settled that is worth remembering. With ``task_id`` it builds on what that task came to."""

    event_id: str = Field(pattern=HASH)
    event_type: Literal["consensus", "decision", "task", "patch"]
    discussion_id: str = Field(default="", max_length=128)
    context_path: str = _PATH
    consensus: str = Field(default="", max_length=4_000)
    participants: list[str] = Field(default_factory=list, max_length=32)
    task_id: str | None = Field(default=None, pattern=TASK_ID)


class SlurpEventAck(Message):
    """The admin has taken an event in, or says why not."""

    event_id: str = Field(pattern=HASH)
    accepted: bool
    reason: str = Field(default="", max_length=500)


class SlurpContextUpdate(Message):
    """A node was added or its standing changed."""

    context_path: str = _PATH
    node: ContextNode
    event_id: str = Field(default="", max_length=64)


ROWS: dict[str, MessageType] = {
    "feedback_event": MessageType(
        FeedbackEvent, True, topics.CONTEXT, "context_feedback",
        "a person", "somebody judges what an agent was shown", "the node's standing changes", opens=True,
    ),
    "context_request": MessageType(
        ContextRequest, True, topics.CONTEXT, "context_request",
        "an agent, a person", "work on a task begins; somebody asks what is known", "the admin answers", opens=True,
    ),
    "context_response": MessageType(
        ContextResponse, True, topics.CONTEXT, "context_request",
        "the admin", "it was asked", "the agent is shown it; it is printed to who asked",
    ),
    "context_usage": MessageType(
        ContextUsage, True, topics.CONTEXT, "context_feedback",
        "an agent", "it was shown context for its task", "counted for each node",
    ),
    "context_relevance": MessageType(
        ContextRelevance, True, topics.CONTEXT, "context_feedback",
        "an agent", "its task was accepted", "the node's standing changes",
    ),
    "slurp_event_generated": MessageType(
        SlurpEventGenerated, True, topics.CONTEXT, "collaboration",
        "the peer that closed it", "a room agrees, a vote is closed, a task is accepted, a patch applied", "the admin takes it in, once",
    ),
    "slurp_event_ack": MessageType(
        SlurpEventAck, True, topics.CONTEXT, "collaboration",
        "the admin", "it took an event in, or did not", "shown with the room or the vote it came from",
    ),
    "slurp_context_update": MessageType(
        SlurpContextUpdate, True, topics.CONTEXT, "collaboration",
        "the admin", "its context changed", "every peer knows the node; agents are shown it",
    ),
}  # fmt: skip
