"""The texts of sessions that somebody looks at: built from entries, kept up as more come, and what is written here saved.

Entries are the truth. A snapshot stands in only for entries that are not here; when they are, the text is built anew without it.
What is typed is in the document at once and on its way to the others; at most :data:`SAVE_S` later it is in the feed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
import trio
from pycrdt import merge_updates

from chorus_tui.contract.models.collab import CollabEvent
from chorus_tui.engine.collab import rules, update
from chorus_tui.engine.collab.book import Book, Session, Snapshot, Update
from chorus_tui.engine.collab.document import Document
from chorus_tui.engine.collab.heard import Heard
from chorus_tui.engine.collab.parts import Parts
from chorus_tui.engine.collab.pieces import pieces
from chorus_tui.engine.collab.rules import Key
from chorus_tui.engine.collab.update import BadUpdate, Shape
from chorus_tui.engine.control.grants import Grants
from chorus_tui.engine.journal.interface import BlobMissing, Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages.collab import decode, encode

log = structlog.get_logger("chorus.collab")

SAVE_S = 2.0
SAVE_BYTES = 24 * 1024
MOST_MERGED = 256 * 1024
MOST_KEPT = 32
"""Texts in memory at once, besides those with unsaved words."""
FETCH_S = 10.0


@dataclass(slots=True)
class Outbox:
    """What was written here and is not saved; it outlives the building anew of its text."""

    unsaved: list[bytes] = field(default_factory=list)
    since: float = 0.0
    last: Entry | None = None
    """The newest own entry."""

    @property
    def saved(self) -> bool:
        """Whether all that was written here is on disk."""
        return not self.unsaved


@dataclass(slots=True)
class Live:
    """One text in memory. ``seen``: what was known of its session when it was last held against the entries."""

    session: str
    document: Document
    outbox: Outbox = field(default_factory=Outbox)
    heard: Heard = field(default_factory=Heard)
    taken: set[Key] = field(default_factory=set)
    incomplete: bool = False
    stale: bool = False
    used: float = 0.0
    seen: tuple[int, int] = (-1, -1)


class Texts:
    """Of one peer."""

    def __init__(self, parts: Parts, book: Book, grants: Grants) -> None:
        self._parts = parts
        self._book = book
        self._grants = grants
        self._building = trio.Lock()
        self._saving = trio.Lock()
        self.live: dict[str, Live] = {}
        self.wake: Callable[[], None] = lambda: None
        book.on_update = self._heard
        book.on_reset = self._forgotten

    # ── building ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self, session: Session) -> Live:
        """The text of a session, built when it is not in memory, or not as the entries now say."""
        async with self._building:
            live, seen = self.live.get(session.session), (session.changes, self._grants.changes)
            if live is None or live.stale or (live.seen != seen and not self._wanted(session).keys() >= live.taken):
                live = await self._build(self._book.session(session.session), live)
            elif live.seen != seen:
                self._take_missing(session, live)
                live.seen = seen
            live.used = self._parts.clock.monotonic()
            return live

    def _wanted(self, session: Session) -> dict[Key, Update]:
        """Updates that count: by who may write, and in time."""
        end, updates = self.end(session), session.updates
        peers = {peer for one in updates.values() for peer in (one.author, one.writer)}
        able = {peer for peer in peers if self.may_write(session, peer)}
        return {
            key: one for key, one in updates.items()
            if rules.in_time(key, end) and one.author in able and one.writer in able
        }  # fmt: skip

    def nameable(self, session: Session) -> list[Update]:
        """Updates that count, of those epochs that an end or a snapshot names, in order."""
        wanted = self._wanted(session).values()
        epochs = rules.nameable(key for one in wanted for key in one.keys)
        return sorted((one for one in wanted if one.last[1] in epochs), key=lambda found: (found.at_ms, found.last))

    def may_write(self, session: Session, peer: str) -> bool:
        """Whether a peer's updates count."""
        invited = rules.may_write(session.openings.values(), peer, self._grants.roles.get(peer, ()))
        return invited and session.opening is not None and self._grants.could_propose(peer)

    def _counts(self, session: Session, one: Update) -> bool:
        """Who wrote it and who says so may both write here."""
        return self.may_write(session, one.author) and (one.author == one.writer or self.may_write(session, one.writer))

    def end(self, session: Session) -> rules.Ending | None:
        """The word that ended it."""
        return rules.the_end(session.endings.values(), session.owner, self.is_master)

    def is_master(self, peer: str) -> bool:
        """Whether a peer may end what others began."""
        return self._parts.control.may(peer, "grant_roles")

    async def _build(self, session: Session, before: Live | None) -> Live:
        """From its entries, a snapshot where some are not here, and what was written here and is not saved."""
        snapshot = self._needed(session)
        state = await self._fetched(snapshot) if snapshot is not None else b""
        live = Live(session.session, self._document())
        if before is not None:
            live.outbox, live.heard = before.outbox, before.heard
        live.incomplete = snapshot is not None
        if state:
            try:
                live.document.take_state(state)
            except BadUpdate as error:
                log.warning("⚠️ A snapshot of a shared text is none", session=session.session, reason=str(error))
        if self.end(session) is None:
            for own in live.outbox.unsaved:
                self._try(live.document, self._parts.me, own)
            for author in live.heard.authors():
                for raw in live.heard.of(author):
                    self._try(live.document, author, raw)
        # Nobody else has run since: what came during the fetch is among the entries.
        self._take_missing(session, live)
        self.live[session.session] = live
        self._forget_unused()
        return live

    def _document(self) -> Document:
        return Document(update.client_of(self._parts.me, self._parts.entropy.bytes(4)))

    def settled(self, session: Session) -> tuple[Document, list[Update]]:
        """The text of entries alone that can be named, and those it is made of."""
        document, used = self._document(), []
        for one in self.nameable(session):
            raw = self._read(one)
            if raw is not None and self._try(document, one.writer, raw):
                used.append(one)
        return document, used

    def _take_missing(self, session: Session, live: Live) -> None:
        wanted = self._wanted(session)
        for one in sorted(
            (wanted[key] for key in wanted.keys() - live.taken), key=lambda found: (found.at_ms, found.last)
        ):
            raw = self._read(one)
            if raw is not None:
                live.taken.add(one.last)
                self._try(live.document, one.writer, raw)

    def _try(self, document: Document, author: str, raw: bytes) -> bool:
        try:
            document.take(author, raw)
        except BadUpdate as error:
            log.info("An update of a shared text does not count", author=author, reason=str(error))
            return False
        return True

    def _read(self, one: Update) -> bytes | None:
        """The update's bytes, from the journal; None when a body is not here or does not fit its group."""
        found = [self._parts.journal.get(*key) for key in one.keys]
        if any(entry is None or entry.body is None for entry in found):
            return None
        said = [entry.data for entry in found if entry is not None]
        try:
            raw = b"".join(decode(str(data["update"])) for data in said)
        except (KeyError, ValueError):
            return None
        return raw if hashlib.sha256(raw).hexdigest() == said[0]["group"] else None

    # ── snapshots ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _needed(self, session: Session) -> Snapshot | None:
        """The newest snapshot with something that is not here."""
        read = self._read_here(session)
        fit = [
            one for one in session.snapshots.values()
            if self.may_write(session, one.author) and rules.lacking(one.said.covers, read)
        ]  # fmt: skip
        return max(fit, key=lambda one: one.order, default=None)

    def _read_here(self, session: Session) -> dict[str, int]:
        """How far the feeds of everybody concerned are read here, by epoch."""
        authors = {*self._parts.control.members, *(key[0] for key in session.updates)}
        return {epoch: number for author in authors for epoch, number in self._parts.journal.read_of(author).items()}

    async def _fetched(self, snapshot: Snapshot) -> bytes:
        """Empty when nobody in reach has it."""
        with trio.move_on_after(FETCH_S):
            try:
                path = await self._parts.blobs.path(snapshot.said.digest)
                return await trio.Path(path).read_bytes()
            except (BlobMissing, OSError) as error:
                log.info("A snapshot cannot be had", session=snapshot.said.session, reason=str(error))
        return b""

    def complete_again(self) -> None:
        """Where a snapshot stood in and all entries are here now, the text is built anew."""
        for live in self.live.values():
            if live.incomplete and self._needed(self._book.session(live.session)) is None:
                live.stale = True

    # ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _heard(self, session: Session, one: Update) -> None:
        """The fold has a whole update: into the text at once, if it is in memory."""
        live = self.live.get(session.session)
        if (
            live is None
            or live.stale
            or not self._counts(session, one)
            or not rules.in_time(one.last, self.end(session))
        ):
            return
        raw = self._read(one)
        if raw is not None:
            live.taken.add(one.last)
            shape = _shape(raw)
            if shape is not None and one.author == one.writer:
                live.heard.saved(one.writer, shape)
            elif shape is not None:
                live.heard.stood_in(one.writer, shape)
            self.take(live, one.writer, raw)

    def take(self, live: Live, author: str, raw: bytes) -> bool:
        """An update by a peer, however it came; those who follow are told what is new of it. Whether it is one."""
        document = live.document
        text, state, waiting = document.text, document.state, document.waiting
        if not self._try(document, author, raw):
            return False
        if document.state != state or document.text != text:
            self.tell(live.session, raw if document.waiting >= waiting else document.missing(state))
        return True

    def hear(self, live: Live, author: str, raw: bytes) -> None:
        """What a peer types just now, and saves soon."""
        shape = _shape(raw)
        if self.take(live, author, raw) and shape is not None:
            live.heard.note(author, raw, shape, self._parts.clock.monotonic())

    def tell(self, session: str, raw: bytes) -> None:
        """An update, to the screens that follow."""
        event = CollabEvent(kind="update", update=encode(raw))
        self._parts.events.publish(f"collab:{session}", None, event.model_dump(mode="json"))

    def _forgotten(self) -> None:
        """The fold begins anew: the texts are built anew, too."""
        for live in self.live.values():
            live.stale = True

    def _forget_unused(self) -> None:
        idle = sorted((one for one in self.live.values() if one.outbox.saved), key=lambda one: one.used)
        for live in idle[: max(0, len(self.live) - MOST_KEPT)]:
            del self.live[live.session]

    # ── saving ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep(self, live: Live, raw: bytes) -> None:
        """Something was written here: it is saved soon."""
        if live.outbox.saved:
            live.outbox.since = self._parts.clock.monotonic()
        live.outbox.unsaved.append(raw)
        self.wake()

    async def save_due(self) -> None:
        """What has waited long enough, or is a lot."""
        now = self._parts.clock.monotonic()
        for live in list(self.live.values()):
            box = live.outbox
            if box.unsaved and (now - box.since >= SAVE_S or sum(map(len, box.unsaved)) >= SAVE_BYTES):
                await self.save(live)

    async def save(self, live: Live) -> None:
        """All that was written here, into the feed. What the journal does not take stays unsaved, and is told."""
        box = live.outbox
        async with self._saving:
            while box.unsaved:
                batch = _batch(box.unsaved)
                merged = merge_updates(*box.unsaved[:batch]) if batch > 1 else box.unsaved[0]
                try:
                    box.last = await self._say(live.session, merged)
                except Refused as error:
                    log.warning("⚠️ Part of a shared text is not saved yet", session=live.session, reason=str(error))
                    box.since = self._parts.clock.monotonic()
                    return
                del box.unsaved[:batch]

    async def save_for(self, live: Live, turn: int) -> None:
        """In the stead of those that typed something and did not come to save it. Said once: what others make of it is theirs."""
        async with self._saving:
            for author in live.heard.due(self._parts.clock.monotonic(), turn):
                for run in live.heard.runs(author, MOST_MERGED):
                    for raw in _as_one([one.update for one in run]):
                        await self._say(live.session, raw, author)
                    live.heard.drop(author, run)

    async def _say(self, session: str, merged: bytes, of: str = "") -> Entry:
        """The last of its entries."""
        group = hashlib.sha256(merged).hexdigest()
        cut = pieces(merged, lambda piece: self._parts.redact(encode(piece)) == encode(piece))
        for number, piece in enumerate(cut):
            data = {
                "session": session,
                "update": encode(piece),
                "group": group,
                "piece": number,
                "pieces": len(cut),
                "of": of,
            }
            entry = await self._parts.journal.say("collab_update", data, topic=topics.collab(session))
        return entry


def _batch(unsaved: list[bytes]) -> int:
    """How many of them go together, the first ones: at least one, and no more than fits one update."""
    size = 0
    for number, raw in enumerate(unsaved):
        size += len(raw)
        if number and size > MOST_MERGED:
            return number
    return len(unsaved)


def _as_one(run: list[bytes]) -> list[bytes]:
    """One update where that is one, else each by itself."""
    if len(run) > 1:
        merged = merge_updates(*run)
        if _shape(merged) is not None:
            return [merged]
    return run


def _shape(raw: bytes) -> Shape | None:
    """What an update contains; None when it is none."""
    try:
        return update.read(raw)
    except BadUpdate:
        return None
