"""HMMM: rooms, their threads, and what is said there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Page, Paged, Request
from chorus_tui.contract.models.journal import Delivery

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
Type = Literal["discussion", "proposal", "question", "answer", "update", "objection", "agreement", "escalation", "memo"]
Priority = Literal["low", "medium", "high", "urgent"]
State = Literal["", "open", "objected", "agreed", "reopened", "replaced", "standing", "settled"]
Role = Annotated[str, Field(min_length=1, max_length=128)]


class Citation(Request):
    """What a message rests on: an address, such as ``ucxl://…`` or a URL, and why."""

    address: str = Field(min_length=1, max_length=1024)
    reason: str = Field(default="", max_length=500)


class Say(Request):
    """Something to say in a room. Without a thread a new one begins."""

    issue_id: str = Field(pattern=NAME, description="The room; a task's room has the task's id")
    thread_id: str = Field(default="", pattern=rf"({NAME})|^$", description="Empty: a new thread")
    type: Literal["discussion", "memo", "update"] = "discussion"
    message: str = Field(min_length=1, max_length=8_000)
    intent: str = Field(default="", max_length=64, description="What it is for, in a word")
    reasoning: str = Field(default="", max_length=8_000)
    citations: list[Citation] = Field(default_factory=list, max_length=16)
    to_roles: list[Role] = Field(default_factory=list, max_length=16, description="Roles it is addressed to")
    restricted: bool = Field(default=False, description="Only members of those roles can read it")
    priority: Priority = "medium"


class Query(Say):
    """A question, to everybody or to roles; agents answer through their model."""


class Propose(Say):
    """A proposal. It is agreed when nobody objects in time."""

    decide: bool = Field(default=False, description="Put it to a vote once it is agreed")


class Reply(Request):
    """A word under a message. ``msg_id`` may be cut short as long as one message fits."""

    msg_id: str = Field(min_length=4, max_length=128)
    type: Literal["discussion", "answer", "agreement", "objection", "proposal", "memo"] | None = Field(
        default=None, description="Unset: an answer under a question, else a discussion"
    )
    message: str = Field(min_length=1, max_length=8_000)
    intent: str = Field(default="", max_length=64)
    reasoning: str = Field(default="", max_length=8_000)
    citations: list[Citation] = Field(default_factory=list, max_length=16)
    to_roles: list[Role] = Field(default_factory=list, max_length=16)
    restricted: bool = False
    priority: Priority = "medium"


class Object(Request):
    """Against a proposal, with the reason."""

    msg_id: str = Field(min_length=4, max_length=128)
    reason: str = Field(min_length=1, max_length=8_000)


class Agree(Request):
    """With a proposal; under an own objection: it is settled."""

    msg_id: str = Field(min_length=4, max_length=128)
    message: str = Field(default="", max_length=8_000)


class Escalate(Request):
    """Ask for a person in a thread."""

    issue_id: str = Field(pattern=NAME)
    thread_id: str = Field(pattern=NAME)
    reason: str = Field(min_length=1, max_length=1_000)


class AnswerEscalation(Request):
    """A person's word that ends every escalation of a thread."""

    issue_id: str = Field(pattern=NAME)
    thread_id: str = Field(pattern=NAME)
    message: str = Field(min_length=1, max_length=8_000)


class Said(Answer):
    """What was said, and how far it got."""

    issue_id: str
    thread_id: str
    msg_id: str
    hash: str
    delivery: Delivery
    ended: int = Field(default=0, description="Escalations that it ended")


class Preview(Request):
    """Text that is about to be said."""

    message: str = Field(max_length=8_000)
    reasoning: str = Field(default="", max_length=8_000)


class Previewed(Answer):
    """The same as others will read it: what the redactor takes out, by kind and count."""

    message: str
    reasoning: str = ""
    found: dict[str, int] = Field(default_factory=dict)


class Template(Request):
    """Text to begin a message from."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="The file's name without .json")
    kind: Literal["reasoning", "reply", "query", "proposal"] = "proposal"
    intent: str = Field(default="", max_length=64)
    message: str = Field(default="", max_length=8_000)
    reasoning: str = Field(default="", max_length=8_000)


class Templates(Answer):
    """What there is, and files that are no templates, each with its fault."""

    templates: list[Template] = Field(default_factory=list)
    faults: dict[str, str] = Field(default_factory=dict)
    folder: str = ""


class ListRooms(Paged):
    """Threads, the most pressing first, then the newest."""

    issue_id: str = Field(default="", max_length=128)
    limit: int = Field(default=200, ge=1, le=1000)


class ThreadRow(Answer):
    """One thread of a room."""

    key: str = Field(description="room/thread")
    issue_id: str
    thread_id: str
    title: str
    state: State = ""
    escalated: bool = False
    messages: int = 0
    people: int = 0
    agents: int = 0
    last_at: float = 0.0
    last_by: str = ""
    objections_until: float | None = Field(default=None, description="Unix time when an open proposal may be closed")


class RoomList(Page):
    """Threads of all rooms."""

    threads: list[ThreadRow]


class ShowThread(Request):
    """One thread, or without it the room's newest."""

    issue_id: str = Field(pattern=NAME)
    thread_id: str = Field(default="", pattern=rf"({NAME})|^$")


class RoomLine(Answer):
    """One message as it is shown."""

    msg_id: str
    parent_id: str | None = None
    depth: int = 0
    hash: str
    author: str
    author_name: str
    kind: Literal["agent", "human"]
    on_behalf_of: str = ""
    type: Type
    intent: str = ""
    message: str
    reasoning: str = ""
    citations: list[Citation] = Field(default_factory=list)
    to_roles: list[str] = Field(default_factory=list)
    restricted: bool = False
    hidden: bool = Field(default=False, description="It is sealed and not for this peer")
    priority: Priority = "medium"
    hop_count: int = 0
    at: float
    state: State = ""
    silence: Literal["", "stated", "late"] = Field(
        default="",
        description="Of a closing line: it says that this peer agreed by silence; `late`: before it had had the time",
    )
    objections_until: float | None = None
    delivery: Delivery | None = Field(default=None, description="Of own messages: how far they got")


class EscalationView(Answer):
    """Something that needs a person; ended by one, or waiting."""

    key: str
    cause: str
    words: str
    reason: str = ""
    to_role: str = ""
    raised_by: str
    raised_at: float
    ended_by: str = ""
    ended_at: float | None = None


class ThreadView(Answer):
    """A thread with everything said in it."""

    row: ThreadRow
    lines: list[RoomLine]
    escalations: list[EscalationView] = Field(default_factory=list)
    consensus: list[str] = Field(default_factory=list, description="Message ids of what is agreed")
    remembered: str = Field(default="", description="What became of the agreement at the admin")
