"""One peer's part in one mesh's decisions: the Raft core with disk, signatures and certificates round it.

Everything that changes the core happens under one lock, in the order step, store, send. A failed write counts as a crash
of this voter: the core is made again from what the disk holds, and nothing of the lost step was ever said.

Every member runs one. Whoever is no voter only adopts what certificates prove.
"""

from __future__ import annotations

from typing import Any

import structlog
import trio

from chorus_tui.engine.control import entries, membership, raft_wire, requests
from chorus_tui.engine.control.acts import Act, Acts
from chorus_tui.engine.control.core_entries import as_entries, changed, decided_entry
from chorus_tui.engine.control.entries import Commit, Election, entry_bytes, parse_entry
from chorus_tui.engine.control.interface import ControlEntry, NotAdmin
from chorus_tui.engine.control.log import Gap, Log
from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_log import Entry, Position, RaftLog
from chorus_tui.engine.control.raft_messages import (
    Append,
    AppendReply,
    Behind,
    Message,
    TimeoutNow,
    VoteReply,
    VoteRequest,
    reach,
)
from chorus_tui.engine.control.raft_ready import Happened, Ready, Role
from chorus_tui.engine.control.raft_wire import Frame, Report
from chorus_tui.engine.control.signatures import Signatures
from chorus_tui.engine.control.store import Stored
from chorus_tui.engine.control.surroundings import Surroundings
from chorus_tui.engine.control.voters import Seat, Voters
from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.canonical import WireError

log = structlog.get_logger("chorus.control.consensus")

BATCH = 64
KEPT = 256
"""Committed entries kept in memory for voters that lag a little."""


class Consensus:
    """One mesh's log as this peer has it. ``log`` is what is decided; behind it may stand what is not yet."""

    def __init__(self, around: Surroundings, decided: Log, seat: Seat, undecided: list[ControlEntry]) -> None:
        self.log = decided
        self.seat = seat
        self._around = around
        self._acts = Acts()
        self._signed = Signatures(around.me, decided.mesh_id, seat.incarnation)
        self._alone: Commit | None = None
        self._certificate = around.store.commit(decided.mesh_id)
        self._retired = False
        self.core = self._make_core(undecided, first_wait=None)

    def _make_core(self, undecided: list[ControlEntry], first_wait: float | None) -> Raft:
        base = Position(self.log.index, self.log.term)
        around = self._around
        raft_log = RaftLog(base, self.log.roster.voters, as_entries(self.log, undecided))
        return Raft(
            self.seat, around.store.hard_state(), raft_log, base.index, around.timing(self.log), around.delay, around.now(),
            first_wait=first_wait,
        )  # fmt: skip

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def mesh_id(self) -> str:
        """Of the mesh that this log is of."""
        return self.log.mesh_id

    @property
    def leads(self) -> bool:
        """Whether this peer leads and the entry that opens its term is decided."""
        return self.core.role is Role.LEADER and self.log.term == self.core.term

    def silent_s(self, peer_id: str) -> float | None:
        """As the admin, seconds since a voter was heard."""
        held = [seat for seat in self.core.voters.seats if seat.peer_id == peer_id]
        return self.core.silent_s(held[0]) if held else None

    # ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def lead_founded(self) -> None:
        """Lead the mesh this peer has just founded."""
        self.core.lead_founded()

    def wait_first(self, seconds: float) -> None:
        """After a start: how long to listen for an admin before standing."""
        undecided = [entry.payload for entry in self.core.log.after(self.log.index, 1 << 30)]
        self.core = self._make_core(undecided, first_wait=seconds)

    async def propose(self, type_: str, data: dict[str, Any], request: dict[str, Any] | None) -> ControlEntry:
        """Append one act; returns when it is decided. Acts that wait together share an entry batch.

        :raises NotAdmin: when this peer does not lead, or stopped leading before it was decided.
        :raises WireError: when the act cannot be written, or its data are not those of its type.
        """
        act = Act(type_, data, request)
        self._acts.add(act)
        async with self._around.lock:
            await self._pump()
        return await act.decided()

    async def tick(self) -> None:
        """Time has passed."""
        async with self._around.lock:
            if not self._retired:
                self.core.tick(self._around.now())
                await self._settle()

    async def campaign(self, trigger: str) -> None:
        """Stand because of a trigger other than silence."""
        async with self._around.lock:
            if not self._retired:
                self.core.campaign(trigger)
                self.core.tick(self._around.now())
                await self._settle()

    async def transfer(self, peer_id: str) -> None:
        """Hand over to a voter."""
        async with self._around.lock:
            if self.core.role is Role.LEADER and not self._retired:
                self.core.transfer(peer_id)
                await self._settle()

    async def receive(self, peer_id: str, frame: Frame) -> None:
        """A frame of a voter of this mesh. Raises :class:`WireError` when it is forged or does not fit."""
        sender, message = Seat(peer_id, frame.incarnation), frame.message
        if isinstance(message, Report):
            return
        async with self._around.lock:
            if self._retired:
                return
            if self.core.believes(sender, message.term):
                await self._receive(sender, frame, message)
            elif reach(message) > self.log.index:
                # It may vote by what was decided and is not here yet: that is fetched, with its certificates.
                self._around.on_behind(peer_id)

    async def admit(self, items: list[Any], elections: list[Any], certificate: Any) -> int:
        """Take entries that a certificate proves decided, from whomever; how many were new. The lock is the caller's.

        :raises Gap: when entries before are missing.
        :raises WireError: when anything is forged.
        """
        before = set(self.log.elections)
        trial = self.log.copy()
        fresh, commit = trial.admit(items, elections, certificate)
        if not fresh:
            return 0
        new = [election for term, election in trial.elections.items() if term not in before]
        self._signed.elections |= {election.term: election for election in new}
        self.core.adopt(as_entries(self.log, fresh), commit.index)
        await self._settle(commit, new)
        return len(fresh)

    def stop(self) -> None:
        """Lead no more; who waits is told."""
        self.core.step_down("stopping")
        self._acts.refuse(NotAdmin("This peer does not lead any more"))

    def retire(self) -> None:
        """Another log takes its place. Whoever waited for the lock meanwhile must not act on this one any more: there is one
        term and one vote on the disk, and they are of the log that follows. The lock is the caller's."""
        self._retired = True
        self.stop()

    # ── receiving ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _receive(self, sender: Seat, frame: Frame, message: Message) -> None:
        proven = self._proven(sender, message, frame)
        if proven is None:
            return
        self.core.step(sender, proven, self._around.now())
        await self._settle()
        if isinstance(proven, Append) and frame.certificate is not None:
            await self._take_certificate(frame.certificate)
        await self._pump()

    def _proven(self, sender: Seat, message: Message, frame: Frame) -> Message | None:
        """What its signatures bear out of a message; None when it is not to be heard. Raises :class:`WireError`."""
        match message:
            case VoteReply() if not self._signed.takes_vote(self.core, sender, message, frame.sig):
                raise WireError("bad_signature", "The vote is not signed by its voter")
            case AppendReply() if not self._signed.takes_ack(self.core, self.log.index, sender, message, frame.sig):
                return None
            case TimeoutNow() if not self._signed.takes_over(sender, message, frame.sig):
                return None
            case VoteRequest():
                return self._signed.as_heir(self.core.leader, sender, message, frame.sig)
            case Append():
                return self._verified(message, frame)
            case Behind() if message.commit > self.log.index:
                self._around.on_behind(sender.peer_id)
        return message

    def _verified(self, message: Append, frame: Frame) -> Append:
        """The entries of a message, each checked against what stands before it here."""
        known = {election.term: election for election in map(Election.from_json, frame.elections)}
        if not frame.items or message.prev.index > self.core.log.last.index:
            return message  # a heartbeat, as most are; or the core asks for what is missing
        trial = self._ahead(message.prev.index)
        made: list[Entry] = []
        for item in frame.items:
            voters = trial.roster.voters
            try:
                entry = trial.take(item, known)
            except Gap:
                raise WireError("bad_frame", "The entries leave a gap") from None
            if entry is None:
                made.append(decided_entry(item, message.prev.index + len(made) + 1))
                continue
            made.append(Entry(entry.index, entry.term, entry, changed(voters, trial)))
        self._signed.learn(trial.elections, self.log.elections)
        return raft_wire.with_entries(message, made)

    async def _take_certificate(self, certificate: Any) -> None:
        """A certificate alone decides what already stands here."""
        commit = Commit.from_json(certificate)
        if not self.log.index < commit.index <= self.core.log.last.index:
            return
        open_ = self.core.log.after(self.log.index, commit.index - self.log.index)
        if open_[-1].payload.hash != commit.hash:
            return
        items = [{"entry": e.payload.raw.decode(), "sig": e.payload.sig} for e in open_]
        await self.admit(items, [e.as_json() for e in self._signed.elections.values()], certificate)

    # ── step, store, send ──────────────────────────────────────────────────────────────────────────────────────────

    async def _settle(self, commit: Commit | None = None, elections: list[Election] | None = None) -> None:
        """Until there is nothing more to do. ``commit`` was proven to us and is stored with the entries it proves."""
        try:
            while True:
                await self._decide()
                ready = self.core.ready()
                if ready is None and commit is None:
                    break
                posts = self._frames(ready.messages) if ready else []
                await self._keep(ready, commit, elections or [])
                if commit is not None:
                    self._apply(commit)
                commit, elections = None, None
                for to, raw in posts:
                    self._around.post(to, raw)
                if ready is not None:
                    self.core.persisted()
                    self._tell(ready.happened)
        except BaseException as error:
            self._start_again(error)
            raise
        if self.core.role is not Role.LEADER:
            self._acts.refuse(NotAdmin("This peer stopped leading before it was decided"))

    async def _keep(self, ready: Ready | None, commit: Commit | None, elections: list[Election]) -> None:
        hard = ready.hard if ready else None
        new = ready.entries if ready else []
        fresh = [*self._signed.take_unstored(), *elections]
        if not (hard or new or commit or fresh):
            return
        if new and self.core.role is Role.LEADER and self.core.voters == Voters((self.seat,)):
            # The only voice that is needed: one write instead of two.
            commit = self._alone = self._signed.certify(self.core.term, new[-1].payload)
        await self._store(
            Stored(
                self.mesh_id,
                [entry.payload for entry in new],
                fresh,
                commit,
                hard,
                replace_from=ready.replace_from if ready else None,
            )
        )

    async def _store(self, what: Stored) -> None:
        """The only thing a step waits for: who is cancelled meanwhile takes the step to its end."""
        with trio.CancelScope(shield=True):
            await self._around.store.keep(what)

    def _start_again(self, error: BaseException) -> None:
        """The write failed: as after a crash, only what is on disk counts."""
        self._alone = None
        self._acts.refuse(error if isinstance(error, Exception) else NotAdmin("Stopped before it was stored"))
        stored, _, undecided = self._around.store.load(self.mesh_id)
        self._signed.only(list(stored.elections.values()), self.log.elections)
        self.core = self._make_core([e for e in undecided if e.index > self.log.index], first_wait=None)

    def _tell(self, happened: list[Happened]) -> None:
        for item in happened:
            if item.what == "elected":
                self._elected()
            self._around.on_happened(item)

    def _elected(self) -> None:
        """Show the votes, and open the term before anything else."""
        me = self._around.me
        self._signed.elected(self.core)
        self._acts.put_first(Act(entries.TERM_OPENED, {"admin": me.peer_id}, None))

    async def _decide(self) -> None:
        """As leader, show that a majority stored it; then it counts."""
        if self.core.role is Role.LEADER and self.core.commit > self.log.index:
            last = self.core.log.at(self.core.commit)
            assert last is not None
            commit, self._alone = self._alone, None
            if commit is None or commit.index != self.core.commit:
                commit = self._signed.certify(self.core.term, last.payload)
                await self._store(Stored(self.mesh_id, commit=commit))
            self._apply(commit)
        if self._may_append():
            self._append()

    def _may_append(self) -> bool:
        shown = self.core.term in self._signed.elections or self.core.term in self.log.elections
        return self.core.role is Role.LEADER and self.core.can_append and shown and bool(self._acts)

    def _apply(self, commit: Commit) -> None:
        """Decided and on disk: it counts."""
        decided = [e.payload for e in self.core.log.after(self.log.index, commit.index - self.log.index)]
        for entry in decided:
            election = self._signed.elections.pop(entry.term, None)
            if election is not None:
                self.log.elections[entry.term] = election
            self.log.extend(entry)
        self._certificate = commit
        self.core.log.compact(max(self.log.index - KEPT, 0))
        self.core.timing = self._around.timing(self.log)
        self._acts.decided(decided)
        self._around.on_commit(decided, commit)

    # ── appending ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _pump(self) -> None:
        """Append what waits, if this peer may now."""
        if self.core.role is not Role.LEADER:
            self._acts.refuse(NotAdmin("This peer does not lead"))
        elif self._may_append():
            self._append()
            await self._settle()

    def _append(self) -> None:
        trial = self._ahead(self.core.log.last.index)
        made: list[Entry] = []
        while self._acts and len(made) < BATCH:
            act = self._acts.next()
            voters = trial.roster.voters
            try:
                entry = self._write(act, trial)
            except WireError as error:  # no place for it: a hole in the numbers would stop every follower
                act.end(error)
                continue
            trial.extend(entry)
            self._acts.written(act, entry)
            made.append(Entry(entry.index, entry.term, entry, changed(voters, trial)))
        if made:
            self.core.append(made)

    def _write(self, act: Act, trial: Log) -> ControlEntry:
        me = self._around.me
        raw = entry_bytes(
            mesh_id=self.mesh_id, term=self.core.term, index=trial.index + 1, prev=trial.head, hlc=self._around.hlc(),
            type_=act.type_, data=act.data, request=act.request,
        )  # fmt: skip
        entry = parse_entry(raw, me.sign(identity.CONTROL, raw), me.peer_id)
        membership.check(entry.type, entry.data)
        requests.check_entry(entry, trial.roster)
        return entry

    # ── small things ───────────────────────────────────────────────────────────────────────────────────────────────

    def _frames(self, messages: list[tuple[str, Message]]) -> list[tuple[str, bytes]]:
        """In their order. Followers that are equally far hear the same, which is written once."""
        posts: list[tuple[str, bytes]] = []
        before: Message | None = None
        for to, message in messages:
            raw = posts[-1][1] if message == before else self._frame(message)
            posts.append((to, raw))
            before = message
        return posts

    def _frame(self, message: Message) -> bytes:
        return raft_wire.encode(self._signed.frame(self.core, self.log, self._certificate, message))

    def _ahead(self, index: int) -> Log:
        """The log as it would be with what stands here up to ``index``."""
        trial = self.log.copy()
        trial.elections |= self._signed.elections
        for entry in self.core.log.after(self.log.index, max(index - self.log.index, 0)):
            trial.extend(entry.payload)
        return trial
