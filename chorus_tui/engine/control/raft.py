"""The Raft core: elections, replication, changes of voters, transfer. Sans I/O.

Ongaro's paper and thesis, with pre-vote (9.6), check-quorum (6.2), leadership transfer (3.10) and joint consensus. The
caller feeds messages (:meth:`Raft.step`) and the passing of time (:meth:`Raft.tick`); it takes :class:`Ready`, stores what
that holds, *then* sends its messages and calls :meth:`Raft.persisted`. So nothing is answered, counted or led before it is
on disk.

Four rules are narrower than the paper's, for the sake of signed certificates:

- A leader appends the next entries only when those before are committed, so that all acknowledgements name the same end.
- It commits only that end, in its own term (5.4.2), never a middle.
- What a follower rejects, it rejects with its own commit index: that prefix always matches, so no search is needed.
- A follower gives no entry up for another in the term that the entry is of, and acknowledges none of an earlier term: so no
  voter signs for two entries under one index and term, whatever its leader sends.
"""

from __future__ import annotations

from chorus_tui.engine.control.raft_log import Entry, Position
from chorus_tui.engine.control.raft_messages import (
    Append,
    AppendReply,
    Behind,
    Message,
    TimeoutNow,
    VoteReply,
    VoteRequest,
)
from chorus_tui.engine.control.raft_ready import HardState, Ready, Role
from chorus_tui.engine.control.raft_state import IllegalStep, Progress, RaftState
from chorus_tui.engine.control.voters import Seat

LEASE_SHARE = 0.9
"""A voter refuses candidates for this share of the time-out after it heard a leader."""
QUORUM_SHARE = 0.8
"""A leader that heard no majority for this share of the time-out stops; before others may vote again."""
PAGE = 64
"""Entries a message."""


class Raft(RaftState):
    """One peer's part in one mesh's consensus. Time is the caller's monotonic clock, in seconds."""

    # ── what the shell does ────────────────────────────────────────────────────────────────────────────────────────

    def lead_founded(self) -> None:
        """Lead term 1 of the mesh this peer has just founded; the founding entry is stored and committed."""
        self.role, self.leader = Role.LEADER, self.me.peer_id

    def campaign(self, trigger: str) -> None:
        """Stand now: a trigger other than silence."""
        if self.votes and self.role is not Role.LEADER:
            self._tell("timed_out", trigger)
            self._stand_at = self._now

    def append(self, entries: list[Entry]) -> None:
        """As leader, new entries; they are sent at once and stored with the next :class:`Ready`."""
        if not self.can_append or not entries:
            raise IllegalStep("only a leader appends, and only after what it appended before is committed")
        expected = Position(self.log.last.index, self.term)
        for entry in entries:
            expected = Position(expected.index + 1, self.term)
            if entry.position != expected:
                raise IllegalStep("entries follow each other in the leader's term")
        self._store(entries)
        self._replicate()

    def transfer(self, peer_id: str) -> None:
        """As leader, hand over to a voter as soon as it has everything; given up after a time-out."""
        if self.role is not Role.LEADER or peer_id == self.me.peer_id or peer_id not in self.voters.peers:
            raise IllegalStep("only a leader hands over, and only to another voter")
        self._transfer = (peer_id, self._now + self.timing.timeout)
        self._finish_transfer()

    def step_down(self, reason: str) -> None:
        """Lead no more."""
        if self.role is Role.LEADER:
            self._follow(self.term, None, reason)

    def reassured(self, term: int) -> None:
        """The admin of this term was heard by another way than its messages: no reason to stand yet.

        That way may be slow, and what comes by it tells of the past. So it buys a heartbeat less than a message does: enough
        while it is the only way, and nothing when the admin's own messages were heard as lately.
        """
        if self.role is Role.FOLLOWER and term >= self.term:
            self._trigger = "heartbeat_timeout"
            until = self._now + self.timing.timeout - self.timing.heartbeat
            self._deadline, self._stand_at = max(self._deadline, until), None

    def adopt(self, entries: list[Entry], commit: int) -> None:
        """Take entries that a certificate proves committed, however they came; they win over uncommitted ones."""
        for entry in entries:
            if entry.index <= max(self.commit, self.log.base.index):
                continue
            if not entry.same(
                self.log.at(entry.index)
            ):  # also of one term: a leader may have shown others something else
                self._store([entry])
        if entries and entries[-1].term > self.term:
            self._follow(entries[-1].term, None, "a newer term was decided")
        self.commit = max(self.commit, commit)
        self._leave_if_removed()

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._now = max(now, self._now)
        if self.role is Role.LEADER:
            self._lead_on()
        elif self.votes and self._now >= self._deadline:
            self._stand_when_due()

    def step(self, sender: Seat, message: Message, now: float) -> None:
        """A message came. One that does not fit is ignored."""
        self._now = max(now, self._now)
        if self._unstored is not None:
            raise IllegalStep("what is ready must be stored before more comes")
        match message:
            case VoteRequest():
                self._vote(sender, message)
            case VoteReply():
                self._count(sender, message)
            case Append():
                self._take(sender, message)
            case AppendReply():
                self._acknowledged(sender, message)
            case Behind():
                if message.term >= self.term:
                    self._hear(sender, message.term)
            case TimeoutNow():
                if message.term == self.term and self.votes and sender.peer_id == self.leader:
                    self._stand(transfer=True)

    def ready(self) -> Ready | None:
        """What to do next, or None. The one before must have been confirmed."""
        if self._unstored is not None:
            raise IllegalStep("what is ready must be stored before more is asked for")
        made, self._ready = self._ready, Ready()
        if not (made.hard or made.entries or made.messages or made.happened):
            return None
        self._unstored = made
        return made

    def persisted(self) -> None:
        """All of the last :class:`Ready` is on disk: own voice and own acknowledgement count from now on."""
        if self._unstored is None:
            raise IllegalStep("nothing is to be stored")
        done, self._unstored = self._unstored, None
        if done.entries:
            self._stable = done.entries[-1].index
        self._stable = min(self._stable, self.log.last.index)
        if done.hard == self._hard and self.role is Role.CANDIDATE and self._hard.vote == self.me.peer_id:
            self._yes.add(self.me)
            self._win()
        self._commit_end()

    # ── elections ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _stand_when_due(self) -> None:
        if self._stand_at is None:
            if self.role is Role.FOLLOWER:
                self._tell("timed_out", self._trigger)
            self.leader = None
            self._stand_at = self._now + self._delay()
        if self._now >= self._stand_at:
            self._pre_stand()

    def _pre_stand(self) -> None:
        """Ask whether this peer could win, without disturbing anybody."""
        self.role, self.leader = Role.PRE_CANDIDATE, None
        self._yes = {self.me}
        self._stand_again()
        self._tell("candidacy", "asks whether it could win")
        self._ask_votes(VoteRequest(self.term + 1, self.log.last, pre=True))
        self._win()

    def _stand(self, *, transfer: bool = False) -> None:
        self.role, self.leader = Role.CANDIDATE, None
        self._hard = HardState(self.term + 1, self.me.peer_id)
        self._ready.hard = self._hard
        self._yes = set()
        self._stand_again()
        self._tell("candidacy", "stands")
        self._ask_votes(VoteRequest(self.term, self.log.last, transfer=transfer))

    def _stand_again(self) -> None:
        self._deadline = self._now + self.timing.patience
        self._stand_at = None

    def _ask_votes(self, request: VoteRequest) -> None:
        for seat in self.voters.everyone:
            if seat != self.me:
                self._send(seat, request)

    def _vote(self, sender: Seat, request: VoteRequest) -> None:
        if self._hears_a_leader() and not request.transfer:
            return  # a healthy leader is not deposed by whoever comes back
        if request.term > self.term and not request.pre:
            self._follow(request.term, None, "a newer term was opened")
        free = request.pre or self._hard.vote in (None, sender.peer_id)
        granted = request.term >= self.term and free and request.last.as_new_as(self.log.last)
        if request.pre:
            granted = granted and request.term > self.term
        elif granted:
            if self._hard.vote is None:
                self._hard = HardState(self.term, sender.peer_id)
                self._ready.hard = self._hard
            self._deadline, self._stand_at = self._now + self.timing.timeout, None
        term = request.term if granted else self.term
        self._send(sender, VoteReply(term, granted, request.pre, request.last))

    def _count(self, sender: Seat, reply: VoteReply) -> None:
        if reply.term > self.term and not (reply.pre and reply.granted):
            self._follow(reply.term, None, "a newer term was opened")
            return
        expected = Role.PRE_CANDIDATE if reply.pre else Role.CANDIDATE
        if self.role is not expected or (not reply.pre and reply.term < self.term) or reply.last != self.log.last:
            return
        if reply.granted and reply.term == self.term + reply.pre:
            self._yes.add(sender)
            self._win()

    def _win(self) -> None:
        if not self.voters.majority(self._yes):
            return
        if self.role is Role.PRE_CANDIDATE:
            self._stand()
        elif self.role is Role.CANDIDATE:
            self.role, self.leader = Role.LEADER, self.me.peer_id
            self._transfer = None
            self._stand_at = None
            self._progress = {}
            self._sync_progress()
            self._beat_at = self._now
            self._tell("elected", "")

    def _hears_a_leader(self) -> bool:
        if self.role is Role.LEADER:
            return True
        return self.leader is not None and self._now - self._heard < LEASE_SHARE * self.timing.timeout

    def _follow(self, term: int, leader: str | None, reason: str) -> None:
        """Become a follower, of a newer term perhaps."""
        led = self.role is Role.LEADER
        if term > self.term:
            self._hard = HardState(term, None)
            self._ready.hard = self._hard
        if led:
            self._tell("stepped_down", reason)
        if leader is not None and leader != self.leader:
            self._tell("following", leader)
        if leader is not None:
            self._deadline, self._stand_at = self._now + self.timing.timeout, None
        elif self.role is not Role.FOLLOWER:
            self._deadline, self._stand_at = self._now + self.timing.patience, None
            self._trigger = reason if led else self._trigger
        self.role, self.leader, self._transfer = Role.FOLLOWER, leader, None

    # ── replication ────────────────────────────────────────────────────────────────────────────────────────────────

    def _lead_on(self) -> None:
        self._sync_progress()
        heard = {s for s, p in self._progress.items() if self._now - p.heard < QUORUM_SHARE * self.timing.timeout}
        if not self.voters.majority({self.me, *heard}):
            self._follow(self.term, None, "quorum_loss")
            return
        if self._transfer is not None and self._now >= self._transfer[1]:
            self._transfer = None
        if self._now >= self._beat_at:
            self._beat_at = self._now + self.timing.heartbeat
            self._replicate()

    def _sync_progress(self) -> None:
        """Others come and go with the voters; a new one is heard from now on."""
        others = [seat for seat in self.voters.everyone if seat != self.me]
        self._progress = {
            seat: self._progress.get(seat) or Progress(self.log.last.index + 1, 0, self._now) for seat in others
        }

    def _replicate(self) -> None:
        self._sync_progress()
        for seat, progress in sorted(self._progress.items()):
            self._send_entries(seat, progress)

    def _send_entries(self, seat: Seat, progress: Progress) -> None:
        prev = progress.next - 1
        term = self.log.term_at(prev)
        if term is None:  # what it needs is not kept here any more: it fetches what was decided, then comes again
            self._send(seat, Behind(self.term, self.commit))
            return
        entries = tuple(self.log.after(prev, PAGE))
        self._send(seat, Append(self.term, Position(prev, term), entries))

    def _hear(self, sender: Seat, term: int) -> None:
        if term > self.term or self.role is not Role.FOLLOWER or self.leader != sender.peer_id:
            self._follow(term, sender.peer_id, "another leads a newer term")
        self._heard = self._now
        self._trigger = "heartbeat_timeout"
        self._deadline, self._stand_at = self._now + self.timing.timeout, None

    def _take(self, sender: Seat, message: Append) -> None:
        if message.term < self.term:
            self._send(sender, AppendReply(self.term, False, self.commit))
            return
        if self.role is Role.LEADER and message.term == self.term:
            return  # two leaders in one term: a forged message
        self._hear(sender, message.term)
        prev, entries = message.prev, message.entries
        if prev.index < self.log.base.index:  # what is before the base is committed: the same everywhere
            skip = self.log.base.index - prev.index
            if skip > len(entries):
                self._send(sender, AppendReply(self.term, False, self.commit))
                return
            prev, entries = self.log.base, entries[skip:]
        if self.log.term_at(prev.index) != prev.term:
            self._send(sender, AppendReply(self.term, False, self.commit))
            return
        fresh = [entry for entry in entries if self.log.term_at(entry.index) != entry.term]
        if fresh:
            gives_up = fresh[0].index <= self.log.last.index
            if fresh[0].index <= self.commit or (gives_up and self.log.last.term == message.term):
                return  # what was decided stays, and no leader takes back an entry of its own: a forged message
            self._store(list(entries[entries.index(fresh[0]) :]))
        self._send(sender, AppendReply(self.term, True, prev.index + len(entries)))

    def _acknowledged(self, sender: Seat, reply: AppendReply) -> None:
        if reply.term > self.term:
            self._follow(reply.term, None, "a newer term was opened")
            return
        progress = self._progress.get(sender)
        if self.role is not Role.LEADER or reply.term < self.term or progress is None:
            return
        progress.heard = self._now
        if not reply.success:
            matching = min(reply.index, self.log.last.index) + 1
            if matching != progress.next:  # the same again would be a forged or damaged log: the next heartbeat tries
                progress.next = matching
                self._send_entries(sender, progress)
            return
        if reply.index > self.log.last.index:
            return
        progress.match = max(progress.match, reply.index)
        progress.next = max(progress.next, progress.match + 1)
        if progress.match < self.log.last.index:
            self._send_entries(sender, progress)
        self._commit_end()
        self._finish_transfer()

    def _commit_end(self) -> None:
        """Commit the end of the log when a majority stored it."""
        if self.role is not Role.LEADER or self.log.last.term != self.term or self.commit == self.log.last.index:
            return
        stored = {seat for seat, progress in self._progress.items() if progress.match == self.log.last.index}
        if self._stable == self.log.last.index:
            stored.add(self.me)
        if self.voters.majority(stored):
            self.commit = self.log.last.index
            self._leave_if_removed()

    def _leave_if_removed(self) -> None:
        if self.role is Role.LEADER and not self.votes and self.commit == self.log.last.index:
            self._follow(self.term, None, "it is no voter any more")

    def _finish_transfer(self) -> None:
        if self._transfer is None:
            return
        for seat in self.voters.seats:
            if seat.peer_id == self._transfer[0] and self.caught_up(seat):
                self._send(seat, TimeoutNow(self.term, seat.peer_id))
