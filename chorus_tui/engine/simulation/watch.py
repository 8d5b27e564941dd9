"""Eyes on one peer: tells the invariants what its disk, its folds and its screens say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chorus_tui.engine.control.entries import TERM_OPENED
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.journal.database import Connection
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.simulation.invariants import Invariants, Key
from chorus_tui.engine.simulation.timeline import Timeline

if TYPE_CHECKING:
    from chorus_tui.engine.simulation.peer import Peer

SHOWN = 40
"""How many of an author's newest entries are compared with what it shows of their delivery."""


class TimelineBus(EventBus):
    """A peer's event bus whose lines for people also go to the time-line."""

    def __init__(self, name: str, timeline: Timeline) -> None:
        super().__init__()
        self._name = name
        self._timeline = timeline

    def publish(self, topic: str, key: str | None, data: Any) -> None:
        if topic == "log":
            self._timeline.add(self._name, data["text"])
        super().publish(topic, key, data)


class Watch:
    """Watches one life of one peer."""

    types = frozenset(name for name, row in messages.TYPES.items() if row.durable)

    def __init__(self, peer: Peer, disk: str, invariants: Invariants, timeline: Timeline) -> None:
        self._peer = peer
        self.disk = disk
        self._is = invariants
        self._timeline = timeline
        self._voter = peer.peer_id if disk.endswith(":0") else f"{peer.peer_id} on {disk}"
        """A peer on another disk than its first is another voter: it may have forgotten what it voted."""
        self._arrived = 0
        self.held: set[Key] = set()
        """Feed entries on this peer's disk."""
        self.commits: dict[str, int] = {}
        """The last entry applied in this life, by mesh."""
        self._own: list[Entry] = []
        peer.journal.fold(self)
        peer.control.fold(_Decisions(self))
        peer.control.on_change(self.look)
        peer.stores.feeds.on_synced = self._feeds_synced
        peer.stores.decisions.on_synced = self._decisions_synced
        peer.stores.feeds.read(self._feeds_synced)

    # ── disks ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _feeds_synced(self, connection: Connection) -> None:
        query = "SELECT arrived, author, epoch, seq, hash FROM entries WHERE arrived > ? ORDER BY arrived"
        for arrived, author, epoch, seq, hash_ in connection.execute(query, (self._arrived,)).fetchall():
            self._arrived = arrived
            self.held.add((author, epoch, seq))
            self._is.synced(self._peer.peer_id, self.disk, (author, epoch, seq), hash_)

    def _decisions_synced(self, _connection: Connection) -> None:
        store = self._peer.control.store
        mesh_id, hard = store.current_mesh(), store.hard_state()
        if mesh_id is None or not hard.term:
            return
        self._is.on_disk(self.disk, mesh_id, hard.term)
        if hard.vote is not None:
            self._is.voted(mesh_id, self._voter, hard.term, hard.vote)

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        if not self._peer.alive:
            return
        if isinstance(message, messages.TaskAnnouncement):
            self._is.announced(message.mesh_id, message.task_id, checks=bool(message.spec.checks))
        elif isinstance(message, messages.TaskChecked) and message.verdict == "passed":
            self._is.passed.add(entry.hash)
        self._is.told_as_stored(self._peer.peer_id, entry.key)
        if entry.author == self._peer.peer_id:
            self._own.append(entry)
            del self._own[:-SHOWN]
            self._timeline.add(self._peer.name, f"said {entry.type} {entry.header.epoch[:6]}/{entry.header.seq}")

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self._own.clear()

    def decided(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        if self._peer.alive:
            self._is.in_order(self._peer.name, entry, self.commits.get(entry.mesh_id, 0))
            self.commits[entry.mesh_id] = entry.index
            self._is.applied(self._peer.name, entry)
            if entry.type == TERM_OPENED:
                self._elected(entry)
            self._timeline.add(self._peer.name, f"applied {entry.index} of term {entry.term}: {entry.type}")

    def _elected(self, entry: ControlEntry) -> None:
        control = self._peer.control
        if control.log is None or control.mesh_id != entry.mesh_id or entry.term not in control.log.elections:
            return
        votes = [vote[0] for vote in control.log.elections[entry.term].votes]
        if control.commit == entry.index:  # else these are the voters of a later entry
            seats = control.log.roster.voters
            sets = [[seat.peer_id for seat in part] for part in (seats.seats, seats.before) if part]
            self._is.elected(entry.mesh_id, entry.term, sets, votes)
        for voter in votes:
            self._is.voted(entry.mesh_id, voter, entry.term, entry.admin)

    # ── screens ────────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """What the peer says of itself now."""
        control = self._peer.control
        if self._peer.alive and control.is_admin and control.mesh_id is not None:
            self._is.leads(control.mesh_id, control.term, self._peer.peer_id)

    def look_at_deliveries(self, peers: frozenset[str]) -> None:
        """What the author shows of its newest entries, of those that one of ``peers``, which are all there are, never had."""
        for entry in self._own:
            key: Key = entry.key
            if self._is.is_everywhere(key, peers):
                continue
            by = self._peer.journal.replication.holders(entry) | set(self._peer.journal.delivery(entry).received_by)
            self._is.shown_as_held(self._peer.name, key, by)

    def look_at_votes(self) -> None:
        """What the peer shows of votes that were closed."""
        deciding = self._peer.deciding
        for case in deciding.book.proposals(lambda case: case.closing is not None):
            result = deciding.result(case)
            if result is not None:
                counts = ", ".join(f"{option} {count}" for option, count in result.tally.counts.items())
                self._is.shown(self._peer.name, case.hash, f"{result.tally.outcome} ({counts})")


class _Decisions:
    """The watch as a fold of the control log (the journal's fold has the same method name)."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def apply(self, entry: ControlEntry) -> None:
        self._watch.decided(entry)
