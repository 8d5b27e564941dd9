"""What a voter knows: its log, its term and vote, whom it heard. The rules that move it stand in :mod:`raft`. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chorus_tui.engine.control.raft_log import Entry, RaftLog
from chorus_tui.engine.control.raft_messages import Message
from chorus_tui.engine.control.raft_ready import Happened, HardState, Ready, Role, Timing
from chorus_tui.engine.control.voters import Seat, Voters

MOST_TERMS = 1 << 20
"""Terms that one voter's word leads on at once: many years of elections, and no way to the end of the numbers."""


class IllegalStep(Exception):
    """A call that the present state does not allow: a fault of the caller."""


@dataclass(slots=True)
class Progress:
    """What a leader knows of another voter."""

    next: int
    match: int = 0
    heard: float = 0.0


class RaftState:
    """See :class:`chorus_tui.engine.control.raft.Raft`."""

    def __init__(
        self, me: Seat, hard: HardState, log: RaftLog, commit: int, timing: Timing, delay: Callable[[], float],
        now: float, *, first_wait: float | None = None,
    ) -> None:  # fmt: skip
        self.me = me
        self.log = log
        self.commit = commit
        self.timing = timing
        self.role = Role.FOLLOWER
        self.leader: str | None = None
        self._delay = delay
        """Seconds a voter waits, once it missed the leader, before it stands: its score orders candidates."""
        self._hard = hard
        self._now = now
        self._heard = now - timing.timeout
        self._deadline = now + (timing.timeout if first_wait is None else first_wait)
        self._stand_at: float | None = None
        self._trigger = "heartbeat_timeout" if first_wait is None else "discovery_failure"
        self._yes: set[Seat] = set()
        self._progress: dict[Seat, Progress] = {}
        self._beat_at = 0.0
        self._stable = log.last.index
        self._transfer: tuple[str, float] | None = None
        self._ready = Ready()
        self._unstored: Ready | None = None

    # ── what the shell reads ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def term(self) -> int:
        """The present term."""
        return self._hard.term

    @property
    def vote(self) -> str | None:
        """Whom this voter chose in the present term."""
        return self._hard.vote

    @property
    def voters(self) -> Voters:
        """In force: the newest in the log, committed or not."""
        return self.log.voters

    @property
    def votes(self) -> bool:
        """Whether this very store is a voter's. One that is being removed still is, until that is committed: it may hold
        the only copy of the entry that removes it (section 4.2.2 of the thesis)."""
        return self.knows(self.me)

    def knows(self, seat: Seat) -> bool:
        """Whether that store votes, by what is decided here or may yet be."""
        return any(seat in voters.everyone for voters in self.log.voters_since(self.commit))

    def believes(self, sender: Seat, term: int) -> bool:
        """Whether that store's word may move this one: it votes, and does not name a term that no elections lead to. Neither the
        candidacy nor the term of anybody else counts, or any member could unseat the admin, or end all elections."""
        return self.knows(sender) and term <= self.term + MOST_TERMS

    @property
    def can_append(self) -> bool:
        """Whether this peer leads, hands over to nobody, and all it appended before is committed."""
        return (
            self.role is Role.LEADER and self._transfer is None
            and (self.commit == self.log.last.index or self.log.last.term < self.term)
        )  # fmt: skip

    @property
    def due(self) -> float:
        """When :meth:`tick` has something to do again, if nothing comes before."""
        if self.role is Role.LEADER:
            return self._beat_at
        return self._stand_at if self._stand_at is not None else self._deadline

    def heard_s(self) -> float:
        """Seconds since a leader was heard; 0 for the leader."""
        return 0.0 if self.role is Role.LEADER else self._now - self._heard

    def caught_up(self, seat: Seat) -> bool:
        """As leader: whether that voter acknowledged all there is."""
        progress = self._progress.get(seat)
        return seat == self.me or (progress is not None and progress.match == self.log.last.index)

    def silent_s(self, seat: Seat) -> float:
        """As leader: seconds since that voter was heard; for one that was not yet, since it is waited for."""
        progress = self._progress.get(seat)
        return 0.0 if seat == self.me or progress is None else self._now - progress.heard

    def here(self, seat: Seat, within_s: float) -> bool:
        """As leader: whether that voter acknowledged something of this term, and was heard so lately. Who only won knows of
        nobody but who said yes since: that it waits for the others does not mean that they live."""
        progress = self._progress.get(seat)
        heard = progress is not None and progress.match > 0 and self._now - progress.heard <= within_s
        return seat == self.me or heard

    # ── what the rules use ─────────────────────────────────────────────────────────────────────────────────────────
    def _store(self, entries: list[Entry]) -> None:
        """Put entries at their places; what stood there and behind goes."""
        first = entries[0].index
        if first <= self.commit:
            raise IllegalStep("what was decided stays")
        kept = [entry for entry in self._ready.entries if entry.index < first]
        self._ready.entries = kept + entries
        starts = (self._ready.replace_from, first)
        self._ready.replace_from = min(start for start in starts if start is not None)
        self._stable = min(self._stable, first - 1)
        self.log.replace(entries)

    def _send(self, to: Seat, message: Message) -> None:
        self._ready.messages.append((to.peer_id, message))

    def _tell(self, what: str, detail: str) -> None:
        self._ready.happened.append(Happened(what, self.term, detail))
