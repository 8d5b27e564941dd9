"""The feeds and the control log, as a reader sees them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from chorus_tui.contract.models.blobs import BlobStats
from chorus_tui.contract.models.common import Answer, Page, Paged, Request


class Delivery(Answer):
    """How far a message of this peer really got."""

    stored: bool
    sent: bool = False
    held_by: int = Field(default=0, description="Other peers that confirmed to hold it")
    received_by: list[str] = Field(default_factory=list, description="Addressees that sent a receipt")


class JournalEntry(Answer):
    """One feed entry. ``body`` is None when it was erased or is unreadable (``problem`` says why)."""

    author: str
    author_name: str = ""
    epoch: str
    seq: int
    hlc: str
    at: float
    topic: str
    type: str
    log_type: str
    hash: str
    body: dict[str, Any] | None
    problem: str = ""
    delivery: Delivery | None = Field(default=None, description="Only for entries of this peer")


class TailJournal(Paged):
    """The newest ``limit`` entries, oldest of them first; with filters. The page after is of those before them.

    Times are those of their authors' clocks; of a fleeting message, when it was heard. A time back from now counts from each request.
    """

    limit: int = Field(default=50, ge=1, le=1000)
    type: str | None = None
    author: str | None = None
    since: str | None = Field(
        default=None, max_length=64, description="The first moment: back from now (90s, 10m, 2h, 3d), or RFC 3339"
    )
    until: str | None = Field(
        default=None, max_length=64, description="The first moment after it: back from now, or RFC 3339"
    )


class FleetingMessage(Answer):
    """A message that is kept nowhere, as this peer heard it."""

    at: float = Field(description="Unix time at which it was heard here")
    log_type: str = Field(description="The original's name in its log")
    type: str
    author: str
    author_name: str = ""
    topic: str


class FleetingLog(Answer):
    """The newest fleeting messages of others, oldest of them first; bounded, and forgotten at a restart."""

    messages: list[FleetingMessage]


class JournalPage(Page):
    """Entries in display order (hlc)."""

    entries: list[JournalEntry]


class ProvenFork(Answer):
    """Two contents that one author signed under one number, both signatures checked. ``resolved`` is the hash that counts, when the
    mesh has decided."""

    author: str
    epoch: str
    seq: int
    hashes: list[str]
    resolved: str = ""


class Verification(Answer):
    """What ``journal verify`` found. ``ok`` is True when there is no problem."""

    ok: bool
    feeds: int
    entries: int
    control_entries: int
    problems: list[str]
    forks: list[str] = Field(default_factory=list, description="Feeds whose author said two things under one number")
    proven: list[ProvenFork] = Field(
        default_factory=list, description="The same as data, of an export that was verified"
    )
    erased: int = Field(default=0, description="Entries of an export whose body is not there")


class ExportJournal(Request):
    """One page of the export; ``after`` is the cursor of the page before."""

    after: str | None = None
    limit: int = Field(default=500, ge=1, le=2000)


class ExportPage(Answer):
    """Lines of the export: each a JSON text, exactly as stored, with its signature.

    A feed line is ``{"kind":"feed","topic":…,"log_type":…,"envelope":…}``, a control line ``{"kind":"control","entry":…,"sig":…}``.
    An evidence line is ``{"kind":"evidence","header":…,"sig":…}``. Two members that hold the same history export the same set of
    these lines. The certificates of each control log, ``{"kind":"certificates","mesh_id":…,"elections":…,"commit":…}``, may name
    other voters of the same majority. What writes a file adds ``{"kind":"end","lines":…,"sha256":…}`` over all bytes before.
    """

    lines: list[str]
    next: str | None


class Rebuilt(Answer):
    """What ``journal rebuild`` found and did. ``ok``: nothing was damaged."""

    ok: bool
    entries: int = Field(description="Entries that verify and are held now")
    corrected: int = Field(description="Entries whose derived columns were wrong and are made anew")
    bodies_dropped: int = Field(description="Bodies that were not what their header names; members bring them again")
    entries_dropped: int = Field(
        description="Entries that did not verify, and those after them; members bring them again"
    )
    problems: list[str]


class AuthorShare(Answer):
    """One author's part of what is held. ``bytes`` of headers and bodies."""

    author: str
    author_name: str = ""
    entries: int
    bytes: int
    erased: int


class TypeShare(Answer):
    """One message type's part; ``log_type`` is the original's name in its log."""

    type: str
    log_type: str
    entries: int
    bytes: int
    erased: int


class JournalStats(Answer):
    """What is held, in numbers. ``opened…`` is this peer's own flow, ``openings…`` its limits."""

    entries: int
    bytes: int
    erased: int = Field(description="Entries whose body was erased by a decision")
    withheld: int = Field(description="Entries whose body is not here although nobody erased it; it is asked for")
    unreadable: int = Field(description="Entries whose body does not fit its type")
    unchecked: int = Field(
        default=0, description="Entries that count by a later signature, and whose own is still to be checked"
    )
    garbled: int = Field(
        default=0, description="Entries that count by a later signature; their own is wrong, and is asked for"
    )
    parked: int = Field(description="Entries in memory that wait for those before them")
    forks: int = Field(description="Forks that are not decided")
    evidence: int = Field(description="Entries kept as evidence of forks")
    by_author: list[AuthorShare]
    by_type: list[TypeShare]
    opened_last_minute: int
    openings_per_minute: int
    opened_bytes: int
    openings_bytes: int
    blobs: BlobStats | None = Field(default=None, description="Files that entries name, as far as they are here")


class LogLine(Answer):
    """One line of what happened, for people: the event log of the status screen."""

    at: float
    level: Literal["info", "warning", "error"]
    text: str
    peer: str = ""
    task_id: str = ""


class Branch(Answer):
    """One of the entries that an author said under one number."""

    hash: str
    at: float
    type: str
    held: bool = Field(description="This is the branch that is held here")


class Fork(Answer):
    """An author that said two different things under one number; from there on nothing of the epoch counts."""

    author: str
    author_name: str = ""
    epoch: str
    seq: int
    branches: list[Branch]


class ForkList(Page):
    """The answer of ``chorus-tui journal forks``."""

    forks: list[Fork]


class ResolveFork(Request):
    """``keep`` is the hash of the entry that counts, or its first digits."""

    author: str = Field(min_length=1, max_length=128)
    epoch: str = Field(pattern="^[0-9a-f]{4,32}$")
    seq: int = Field(ge=0)
    keep: str = Field(pattern="^[0-9a-f]{4,64}$")


class EraseBody(Request):
    """``hash`` is that of the entry, or its first digits. Its author or a master may ask."""

    hash: str = Field(pattern="^[0-9a-f]{8,64}$")
