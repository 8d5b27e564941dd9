"""The journal as the features see it.

The journal is the only mouth of the engine: what leaves as a message goes through :meth:`Journal.say` (durable) or
:meth:`Journal.whisper` (fleeting), and both pass the redactor first. It is also the only ear: folds and handlers get
what was validated, never raw network bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chorus_tui.contract.models.journal import (
    Delivery,
    ExportPage,
    JournalPage,
    JournalStats,
    TailJournal,
    Verification,
)
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message


class Refused(Exception):
    """The journal does not take this message (too large, over quota, invalid). The text is for people."""


class Fold(Protocol):
    """Computes state from entries. Must not depend on the order in which entries of different authors arrive."""

    types: frozenset[str]

    def apply(self, entry: Entry, message: Message) -> None:
        """One entry with its validated message: every stored one of ``types`` once at the start, then each new one,
        own ones included, always after it is on disk. Must not block or raise."""
        ...

    def reset(self) -> None:
        """Forget every entry: a body was erased, and all that are left are applied again right after, before anybody
        else runs. What came from elsewhere (the control log, gossip, doubts) stays. Must not block or raise."""
        ...


FleetingHandler = Callable[[str, Message, str], Awaitable[None]]
"""(author, message, topic) of a fleeting message by another member."""


class Journal(Protocol):
    """Feeds of all members, as held by this peer."""

    def fold(self, fold: Fold) -> None:
        """Register before :meth:`open`."""
        ...

    def on_doubt(self, handler: Callable[[str, str, int | None], None]) -> None:
        """(author, epoch, seq): the author said two things under one number, and nothing of the epoch from ``seq`` on counts;
        None: it was decided, and all counts again. Register before :meth:`open`; must not block."""
        ...

    def on_fleeting(self, type_: str, handler: FleetingHandler) -> None:
        """Register before :meth:`open`; one handler a type."""
        ...

    def set_membership(self, is_member: Callable[[str], bool], was_member: Callable[[str], bool] | None = None) -> None:
        """Who may speak here, asked at each message and stream; and whose entries are kept when a member brings them: those
        of anybody who was ever a member of a mesh that is known here. Until set: only this peer."""
        ...

    async def open(self) -> None:
        """Open the store, check its tail, replay folds, open a new epoch."""
        ...

    async def run(self, *, task_status: Any) -> None:
        """Replicate until cancelled."""
        ...

    async def say(self, type_: str, data: dict[str, Any], *, topic: str | None = None, **optional: Any) -> Entry:
        """Append to the own feed and gossip. Returns when it is on disk (WAL, synchronous FULL) and handed to gossip.

        ``topic`` defaults to the static topic of the type. ``optional`` are envelope fields of seed 0. Raises
        :class:`Refused`, and of what opens something new :class:`chorus_tui.engine.journal.flow.OverQuota`.
        """
        ...

    async def whisper(self, type_: str, data: dict[str, Any], *, topic: str | None = None) -> None:
        """Gossip a fleeting message; nothing is promised."""
        ...

    async def deliver(self, entry: Entry, addressee: str) -> bool:
        """Bring an entry to one peer on a direct stream; True when its receipt came (it holds the entry on disk)."""
        ...

    def delivery(self, entry: Entry) -> Delivery:
        """How far an own entry really got."""
        ...

    def holders(self, entry: Entry) -> set[str]:
        """Other peers that confirmed to hold an own entry."""
        ...

    def get(self, author: str, epoch: str, seq: int) -> Entry | None:
        """One stored entry."""
        ...

    def read_of(self, author: str) -> dict[str, int]:
        """How far each epoch of an author was read here, as the next number by epoch: up to the first entry whose text is
        missing, and up to a fork. Everything before it the folds have been given."""
        ...

    def heard_of(self, author: str) -> tuple[int, int] | None:
        """The clock (milliseconds, counter) of an author's last entry, when all before it is here: what still comes of it was
        said later. None when something may be missing."""
        ...

    def knew(self, peer_id: str, entry: tuple[str, str, int]) -> bool:
        """Whether all that still comes of a peer was said when it held an entry (author, epoch, number), as it said itself since
        this peer was started. Its clock had heard that entry then, unless it is more than five minutes behind."""
        ...

    async def tail(self, request: TailJournal) -> JournalPage: ...

    async def verify(self) -> Verification: ...

    async def stats(self) -> JournalStats: ...

    async def export(self, after: str | None, limit: int) -> ExportPage: ...


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """``digest`` is ``sha256:<hex>``; ``size`` in bytes."""

    digest: str
    size: int


class BlobMissing(Exception):
    """This blob cannot be had: nobody in reach holds it, or it cannot be written here. The text says which."""


class BlobHeld(BlobMissing):
    """It is here, and held for a person because of what was found in it. The text says how it is released."""


@dataclass(frozen=True, slots=True)
class Copies:
    """How many other members confirmed that they hold every one of some blobs, and how many members were in reach."""

    held_by: int
    reachable: int


class Blobs(Protocol):
    """Content by its hash; at most 256 MiB each; files below the data folder."""

    async def put_bytes(self, data: bytes) -> BlobInfo: ...

    async def put_file(self, path: Path) -> BlobInfo:
        """Copy a file in; it is hashed while copied."""
        ...

    async def path(self, digest: str, size: int | None = None) -> Path:
        """The local file, fetched from a member first if needed (resumed, verified). One of another ``size`` than is asked for is
        not fetched; what is here already may have another. Raises :class:`BlobMissing`."""
        ...

    async def shown(self, digest: str) -> Path:
        """The same, looked through for secrets before somebody sees it, whoever made it. Raises :class:`BlobHeld` too."""
        ...

    async def sound(self, digest: str) -> bool:
        """Whether it is here with the very bytes it is named for, read just now. What is not is taken away, to be fetched anew."""
        ...

    def has(self, digest: str) -> bool: ...

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> Copies:
        """Offer blobs to live members until ``copies`` others hold all of them or the time is over."""
        ...
