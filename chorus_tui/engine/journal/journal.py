"""The journal: the only mouth and the only ear of the engine.

``say`` is: redact, check, seal, disk, folds, gossip, in this order, so that nothing is heard that its author could
lose. Concurrent calls share one fsync: whoever holds the lock takes everybody's messages along.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import structlog
import trio

from chorus_tui.contract.models.journal import (
    Delivery,
    ExportPage,
    FleetingLog,
    JournalPage,
    JournalStats,
    TailJournal,
    Verification,
)
from chorus_tui.engine import paging
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.journal import reading, spans, statistics
from chorus_tui.engine.journal.acceptance import Acceptance, feed_entry
from chorus_tui.engine.journal.chain import MAX_PARKED
from chorus_tui.engine.journal.database import Database
from chorus_tui.engine.journal.decisions import Decisions
from chorus_tui.engine.journal.delays import Delays
from chorus_tui.engine.journal.erasure import Erasures
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.fleeting import Fleeting
from chorus_tui.engine.journal.flow import Flow, Limits, opening_types, opens
from chorus_tui.engine.journal.folds import Folds
from chorus_tui.engine.journal.forks import Forks
from chorus_tui.engine.journal.hlc import HybridClock
from chorus_tui.engine.journal.horizon import Horizon
from chorus_tui.engine.journal.intake import Heard, Intake, readable
from chorus_tui.engine.journal.interface import FleetingHandler, Fold, Refused
from chorus_tui.engine.journal.replication import Replication
from chorus_tui.engine.journal.signatures import Signatures
from chorus_tui.engine.journal.speech import Saying, Speech
from chorus_tui.engine.journal.store import FeedStore
from chorus_tui.engine.mesh.interface import Mesh, MeshError
from chorus_tui.engine.protocol import envelope, identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.telemetry.histogram import Histogram

log = structlog.get_logger("chorus.journal")


class FeedJournal:
    """All feeds as held by this peer; see :class:`chorus_tui.engine.journal.interface.Journal`."""

    def __init__(
        self, identity_: identity.Identity, database: Database, mesh: Mesh, redact: Callable[[Any], Any],
        clock: Clock, entropy: Entropy, events: EventBus, version: str, *, replicate_every_s: float = 30.0,
        limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.me = identity_
        self.mesh = mesh
        self.store = FeedStore(database)
        self.signatures = Signatures(self, database)
        self.clock = clock
        self.intake = Intake(mesh.counters)
        self.intake.on_unreadable = self._keep_unreadable
        self._speech = Speech(identity_.peer_id, redact, clock)
        self._entropy = entropy
        self._events = events
        self._version = version
        self.hlc = HybridClock(identity_.peer_id[-8:])
        self.folds = Folds()
        self._fleeting = Fleeting(clock)
        self.delays = Delays()
        self.appends = Histogram()
        """Seconds that each own entry took to its place on disk."""
        self.lock = trio.Lock()
        self.flow = Flow(limits or Limits())
        self._waiting: deque[Saying] = deque()
        self._unreadable: deque[Heard] = deque(maxlen=MAX_PARKED)
        self.epoch = entropy.bytes(16).hex()
        self._head: str | None = None
        self._seq = 0
        self.forks_held = Forks(self)
        self.folds.add(self.forks_held)
        self.erasures = Erasures(self)
        self._decisions = Decisions(self)
        self._met: set[str] = set()
        self.citations: Callable[[], Iterable[str]] = tuple
        self._acceptance = Acceptance(self)
        self._horizon = Horizon(self)
        self.replication = Replication(self, interval_s=replicate_every_s, entropy=entropy)
        mesh.set_validator(self.intake.validate)
        mesh.on_gossip(self._hear)
        self.on_fleeting("watermarks", self.replication.hear_watermarks)

    # ── registering ────────────────────────────────────────────────────────────────────────────────────────────────

    def fold(self, fold: Fold) -> None:
        self.folds.add(fold)

    def on_doubt(self, handler: Callable[[str, str, int | None], None]) -> None:
        self.forks_held.on_doubt(handler)

    def on_fleeting(self, type_: str, handler: FleetingHandler) -> None:
        self._fleeting.handlers[type_] = handler

    def set_membership(self, is_member: Callable[[str], bool], was_member: Callable[[str], bool] | None = None) -> None:
        self.intake.is_member = is_member
        self._acceptance.strangers.was_member = was_member or is_member

    def set_citations(self, citations: Callable[[], Iterable[str]]) -> None:
        """Hashes of feed entries that the control logs kept here name."""
        self.citations = citations

    def members_changed(self) -> None:
        """Replicate with linked members that were not members before, and with all when a stranger turns out to be none."""
        if self._acceptance.strangers.known_now():
            self.replication.ask_all()
        for peer_id in self.mesh.links():
            if peer_id not in self._met and self.intake.is_member(peer_id):
                self._met.add(peer_id)
                self.replication.ask(peer_id)

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        self.chains = self.store.chains()
        self.forks_held.open()
        await self.erasures.follow()
        self.flow.total = self.store.bytes_of(self.me.peer_id, opening_types())
        self.replay(self.folds)
        await self.open_epoch()

    def replay(self, folds: Folds) -> None:
        """Without giving way: nobody sees half of it."""
        for entry, problem in self.store.of_types(folds.by_type):
            if not problem and self.forks_held.counts(entry):
                folds.apply(readable(entry))

    async def open_epoch(self, reason: str = "") -> None:
        """Commit to the last own head, then count from 0."""
        if reason:
            self.say_line("error", f"⚠️ A new epoch is opened: {reason}. Whoever else uses this identity must stop")
        async with (
            self.lock
        ):  # whoever is speaking ends before: what it writes back is number and head of the old epoch
            before = self.epoch, self._seq, self._head
            previous = self.store.last_own(self.me.peer_id)
            data: dict[str, Any] = {"version": self._version}
            if previous:
                data |= {"previous_epoch": previous.header.epoch, "previous_seq": previous.header.seq}
            self._waiting.appendleft(self._speech.prepare("epoch_opened", data, None, {}))
            self.epoch, self._seq = self._entropy.bytes(16).hex(), 0
            self._head = previous.hash if previous else None
            try:
                await self._append_waiting()
            except BaseException:
                self.epoch, self._seq, self._head = before
                raise

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.replication.run)
            nursery.start_soon(self._decisions.run)
            nursery.start_soon(self.forks_held.run)
            nursery.start_soon(self.signatures.run)
            task_status.started()

    def give(self, heard: Heard) -> None:
        """To the folds, if it counts."""
        if self.forks_held.counts(feed_entry(heard)):
            self.folds.apply(heard)

    def fork_resolved(self, author: str, epoch: str, seq: int, keep: str) -> None:
        """The mesh decided which of two entries under one number counts."""
        self.forks_held.resolve(author, epoch, seq, keep)
        self.decided()

    def decided(self) -> None:
        """Which entries count has changed: follow it soon."""
        self._decisions.look()

    async def follow_erasures(self) -> None:
        """Under the lock: bodies go from the disk, then from the features."""
        if erased := await self.erasures.follow():
            self.replay(self.folds.reset(erased))
            self.flow.total = self.store.bytes_of(self.me.peer_id, opening_types())

    # ── speaking ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def say(self, type_: str, data: dict[str, Any], *, topic: str | None = None, **optional: Any) -> Entry:
        began = self.clock.monotonic()
        saying = self._speech.prepare(type_, data, topic, optional)
        if opens(type_, data):
            self.flow.admit(saying.size, self.clock.monotonic())
        self._waiting.append(saying)
        async with self.lock:
            if saying.entry is None and saying.error is None:
                await self._append_waiting()
        if saying.error is not None:
            if opens(type_, data):
                self.flow.take_back(saying.size)
            raise saying.error
        assert saying.entry is not None
        self.appends.observe(self.clock.monotonic() - began)
        return saying.entry

    async def _append_waiting(self) -> None:
        """Seal and store everything that waits, with one fsync; then publish in the same order."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        seq, head = self._seq, self._head
        for saying in batch:
            hlc = str(self.hlc.tick(self.clock.wall()))
            saying.entry = envelope.seal(
                saying.envelope, saying.topic, self.me, epoch=self.epoch, seq=seq, prev=head, hlc=hlc
            )
            seq, head = seq + 1, saying.entry.hash
        entries = [saying.entry for saying in batch if saying.entry is not None]
        try:
            await self.store.add((entry, "") for entry in entries)
        except BaseException as error:
            for saying in batch:
                saying.entry = None
                saying.error = error if isinstance(error, Exception) else Refused("Stopped before it was stored")
            raise
        self._seq, self._head = seq, head
        for entry in entries:
            self.chains.advance(entry)
            self.give(readable(entry))
        await self._publish(entries)

    async def _publish(self, entries: list[Entry]) -> None:
        sent = []
        for entry in entries:
            try:
                await self.mesh.join(entry.header.topic)
                await self.mesh.publish(entry.header.topic, entry.wire())
            except MeshError as error:
                log.debug("Not gossiped; replication brings it", error=str(error), type=entry.type)
            else:
                if self.mesh.links():
                    sent.append((entry.header.epoch, entry.header.seq))
        if sent:
            await self.store.mark_sent(sent)

    async def whisper(self, type_: str, data: dict[str, Any], *, topic: str | None = None) -> None:
        where, raw = self._speech.whisper(type_, data, topic)
        try:
            await self.mesh.join(where)
            await self.mesh.publish(where, raw)
        except MeshError as error:
            log.debug("Not gossiped", error=str(error), type=type_)

    async def deliver(self, entry: Entry, addressee: str) -> bool:
        if addressee == self.me.peer_id:
            return True
        if not await self.replication.deliver(entry, addressee):
            return False
        await self.store.add_receipt(entry.header.epoch, entry.header.seq, addressee)
        return True

    # ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _hear(self, topic: str, data: bytes, author: str) -> None:
        try:
            heard = self.intake.recall(topic, data, author)
        except WireError as error:
            self.intake.refuse(error.reason)
            return
        self.delays.hear(author, str(heard.envelope.get("timestamp", "")), self.clock.wall())
        await self._keep_waiting_unreadable()
        if heard.entry is not None:
            await self.accept([heard], author)
        elif heard.message is not None:
            await self._fleeting.hear(envelope.type_of(heard.envelope), author, heard.message, topic)

    def _keep_unreadable(self, heard: Heard) -> None:
        self._unreadable.append(heard)

    async def _keep_waiting_unreadable(self) -> None:
        while self._unreadable:
            heard = self._unreadable.popleft()
            assert heard.entry is not None
            await self.accept([heard], heard.entry.author)

    async def accept(self, batch: list[Heard], source: str) -> int:
        """See :meth:`chorus_tui.engine.journal.acceptance.Acceptance.accept`."""
        return await self._acceptance.accept(batch, source)

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def say_line(self, level: str, text: str, peer: str = "", term: int = 0) -> None:
        """One line of the event log, for people. ``term`` is that of an election, and a field of the log; 0: it is about none."""
        getattr(log, level)("Told people", text=text, peer=peer, term=term or "")
        line = {"at": self.clock.wall(), "level": level, "text": text, "peer": peer, "task_id": ""}
        self._events.publish("log", None, line)

    def held_of(self, author: str) -> dict[str, int]:
        """How many entries of each epoch of an author are held."""
        return {epoch: head[0] for epoch, head in self.chains.frontier().get(author, {}).items()}

    def read_of(self, author: str) -> dict[str, int]:
        read = self.held_of(author)
        for who, epoch, seq in [*self.store.first_without_body(author), *self.forks_held.places()]:
            if who == author and seq < read.get(epoch, 0):
                read[epoch] = seq
        return read

    def heard_of(self, author: str) -> tuple[int, int] | None:
        return self._horizon.of(author)

    def knew(self, peer_id: str, entry: tuple[str, str, int]) -> bool:
        return self._horizon.knew(peer_id, entry)

    def get(self, author: str, epoch: str, seq: int) -> Entry | None:
        return self.store.get(author, epoch, seq)

    @property
    def parked(self) -> int:
        """Entries that wait for the ones before them."""
        return len(self._acceptance.parked)

    def count(self) -> int:
        """Number of feed entries held."""
        return self.store.count()

    def forks(self) -> list[tuple[str, str, int]]:
        """(author, epoch, first number that does not count) of every fork, with evidence."""
        return self.forks_held.places()

    def find(self, hash_: str) -> list[Entry]:
        """At most two entries whose hash begins so."""
        return self.store.find(hash_)

    def delivery(self, entry: Entry) -> Delivery:
        sent, received = self.store.delivered(entry.header.epoch, entry.header.seq)
        held = self.replication.holders(entry) | set(received)
        return Delivery(stored=True, sent=sent or bool(held), held_by=len(held), received_by=received)

    def holders(self, entry: Entry) -> set[str]:
        _, received = self.store.delivered(entry.header.epoch, entry.header.seq)
        return self.replication.holders(entry) | set(received)

    async def tail(self, request: TailJournal) -> JournalPage:
        filters = {"type": request.type, "author": request.author, "since": request.since, "until": request.until}
        span = spans.asked(request, self.clock.wall())
        before = (
            None
            if request.cursor is None
            else reading.place(paging.from_cursor("journal.tail", filters, request.cursor))
        )
        rows = self.store.newest(request.limit + 1, request.type, request.author, before, span)
        more, rows = len(rows) > request.limit, rows[-request.limit :]
        return JournalPage(
            entries=[reading.view(entry, problem, self._own_delivery(entry)) for entry, problem in rows],
            next=paging.to_cursor("journal.tail", filters, self.store.place(rows[0][0])) if more else None,
        )

    def heard(self, request: TailJournal) -> FleetingLog:
        """The newest fleeting messages of others."""
        span = spans.asked(request, self.clock.wall())
        return self._fleeting.tail(request.limit, request.type, request.author, span)

    def _own_delivery(self, entry: Entry) -> Delivery | None:
        return self.delivery(entry) if entry.author == self.me.peer_id else None

    async def verify(self) -> Verification:
        return await reading.verify(self.store)

    async def stats(self) -> JournalStats:
        tallies = self.store.tallies()
        total = {
            name: sum(getattr(tally, name) for tally in tallies)
            for name in ("entries", "bytes", "erased", "withheld", "unreadable")
        }
        return JournalStats(
            **total, unchecked=self.signatures.unchecked(), garbled=self.signatures.garbled(),
            parked=len(self._acceptance.parked), forks=len(self.forks()),
            evidence=sum(pieces for *_, pieces in self.store.forks()), by_author=statistics.by_author(tallies),
            by_type=statistics.by_type(tallies), opened_last_minute=self.flow.last_minute(self.clock.monotonic()),
            openings_per_minute=self.flow.limits.per_minute, opened_bytes=self.flow.total,
            openings_bytes=self.flow.limits.total_bytes,
        )  # fmt: skip

    async def export(self, after: str | None, limit: int) -> ExportPage:
        key = reading.parse_cursor(after)
        rows = self.store.page_after(key, limit)
        lines = [json.dumps(reading.export_line(*row), ensure_ascii=False, sort_keys=True) for row in rows]
        return ExportPage(lines=lines, next=reading.cursor(rows[-1]) if len(rows) == limit else None)
