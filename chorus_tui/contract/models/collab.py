"""Shared texts: sessions, who takes part, the text and its updates, chat, and how a session ends.

Updates and state vectors are those of a Yjs document (version 1) with one root text named ``text``, base64.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from chorus_tui.contract.models.common import Answer, Page, Paged, Request
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.contract.models.task_spec import TASK_ID

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
State = Literal["open", "ended"]
Outcome = Literal["", "patch", "ucxl", "nothing"]
_BASE64 = r"^[A-Za-z0-9+/]*={0,2}$"


class SessionRef(Request):
    """Names a session, by its id or the beginning of it."""

    session: str = Field(min_length=1, max_length=26)


class ListCollabs(Paged):
    """Filter of the list."""

    which: Literal["all", "open", "ended"] = "all"
    limit: int = Field(default=200, ge=1, le=1000)


class NewCollab(Request):
    """A shared text. Nobody named: everybody may write."""

    title: str = Field(min_length=1, max_length=200)
    purpose: str = Field(default="", max_length=2_000)
    base: str = Field(default="", max_length=1024, description="The UCXL address of what it begins with")
    text: str = Field(default="", max_length=256 * 1024, description="What it begins with, without an address")
    invited: list[Name] = Field(default_factory=list, max_length=64, description="Members, by name or peer id")
    roles: list[Name] = Field(default_factory=list, max_length=16)


class InviteToCollab(Request):
    """More members or roles; only who began it can."""

    session: str = Field(min_length=1, max_length=26)
    invited: list[Name] = Field(default_factory=list, max_length=64)
    roles: list[Name] = Field(default_factory=list, max_length=16)
    open: bool = Field(default=False, description="Everybody may write from now on")


class JoinCollab(Request):
    """Take part. ``shows`` begins with nothing: the answer holds the whole text's update."""

    session: str = Field(min_length=1, max_length=26)


class SyncCollab(Request):
    """What this copy has that the engine lacks, and what it knows, so that the engine answers with the rest."""

    session: str = Field(pattern=TASK_ID)
    state_vector: str = Field(max_length=64_000, pattern=_BASE64)
    update: str = Field(default="", max_length=700_000, pattern=_BASE64)


class TextEdit(Request):
    """One edit: ``find`` and its replacement (the first place, or all with ``everywhere``), or characters at a place."""

    find: str = Field(default="", max_length=64 * 1024)
    replace: str = Field(default="", max_length=256 * 1024)
    everywhere: bool = False
    at: int | None = Field(default=None, ge=-1, description="Characters from the beginning; -1: the end")
    delete: int = Field(default=0, ge=0)
    insert: str = Field(default="", max_length=256 * 1024)

    @model_validator(mode="after")
    def _one_way(self) -> TextEdit:
        if bool(self.find) == (self.at is not None):
            raise ValueError("either find (and replace), or at (with delete and insert)")
        return self


class EditCollab(Request):
    """Edits one after the other, each on the text as the one before it left it."""

    session: str = Field(min_length=1, max_length=26)
    edits: list[TextEdit] = Field(min_length=1, max_length=100)


class ChatInCollab(Request):
    """A word beside the text; ``@name`` addresses an agent."""

    session: str = Field(min_length=1, max_length=26)
    text: str = Field(min_length=1, max_length=4_000)


class ShowPresence(Request):
    """Where the cursor of this screen is, told to the others."""

    session: str = Field(pattern=TASK_ID)
    cursor: int = Field(default=0, ge=0, le=1 << 22)
    anchor: int = Field(default=0, ge=0, le=1 << 22)


class EndCollab(Request):
    """How it ends: as content under an address, as a patch to what is there, or as nothing."""

    session: str = Field(min_length=1, max_length=26)
    outcome: Literal["patch", "ucxl", "nothing"]
    address: str = Field(default="", max_length=1024, description="Empty: the address that it began with")
    title: str = Field(default="", max_length=200, description="Of the patch, or of the version")


class CollabRow(Answer):
    """One session in a line."""

    session: str
    title: str
    state: State
    owner: str
    owner_name: str
    since: float
    last_at: float = Field(description="Unix time of the last update or word")
    updates: int = 0
    people: int = Field(default=0, description="Who is there now, this peer included")
    may_write: bool = False
    invited: bool = Field(default=False, description="This peer is invited and has not answered")
    outcome: Outcome = ""
    reference: str = ""


class CollabList(Page):
    """Open ones first, then the newest."""

    collabs: list[CollabRow]


class Participant(Answer):
    """Somebody who is invited, or wrote, or is there now."""

    peer_id: str
    name: str
    kind: Literal["agent", "human"]
    here: bool = False
    answered: Literal["", "joined", "declined"] = ""
    color: int = 0
    cursor: int | None = Field(default=None, description="Characters from the beginning, as last heard")
    anchor: int | None = None
    is_self: bool = False


class ChatLine(Answer):
    """One word beside the text."""

    author: str
    author_name: str
    kind: Literal["agent", "human"]
    on_behalf_of: str = ""
    text: str
    at: float
    delivery: Delivery | None = None


class CollabView(Answer):
    """A session with everything but its history."""

    row: CollabRow
    purpose: str = ""
    base: str = ""
    roles: list[str] = Field(default_factory=list)
    open: bool = False
    participants: list[Participant]
    chat: list[ChatLine]
    text: str = ""
    saved: bool = Field(default=True, description="All that was typed here is on disk")
    held_by: int | None = Field(
        default=None, description="Other peers that hold the last own update; null: none was made"
    )
    waiting: int = Field(default=0, description="Updates that wait for others that are not here yet")
    refused: int = Field(default=0, description="Updates that were none, or out of bounds")
    late: int = Field(default=0, description="Updates that came after the end; they are kept, and not in its text")
    incomplete: bool = Field(default=False, description="Some of its entries are not here; it begins with a snapshot")


class Joined(Answer):
    """What a copy begins with: its own client id, and all that is there."""

    client_id: int
    update: str
    view: CollabView


class Synced(Answer):
    """The engine's answer to a copy. ``took``: what came with the request is in the text; else it waits for other updates, and is
    to be sent again."""

    update: str
    state_vector: str
    took: bool = True
    redacted: bool = Field(default=False, description="A secret was taken out of what was typed")
    saved: bool = True
    held_by: int | None = None
    state: State = "open"


class Edited(Answer):
    """How the edits went."""

    applied: int
    not_applicable: list[str] = Field(default_factory=list)
    redacted: bool = False
    length: int


class CollabEvent(Answer):
    """What happens in a session that is followed: an update to apply, or where somebody is, or that the rest changed."""

    kind: Literal["update", "presence", "changed"]
    update: str = ""
    participants: list[Participant] = Field(default_factory=list)
