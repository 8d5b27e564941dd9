"""Votes and acknowledgements of one mesh: made, checked, collected into certificates.

The core counts; this keeps what proves the count to everybody else. A voice whose signature is not good never reaches the
core. What is kept is what the core counts: a peer that is back with another disk may have forgotten a vote of its, so the word
of that disk proves nothing, although its signature is as good.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.entries import Commit, Election
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.control.raft_messages import (
    Append,
    AppendReply,
    Message,
    TimeoutNow,
    VoteReply,
    VoteRequest,
)
from chorus_tui.engine.control.raft_wire import Frame
from chorus_tui.engine.control.voters import Seat
from chorus_tui.engine.protocol.identity import Identity


class Signatures:
    """Of one consensus. ``elections`` are those of terms that have no decided entry here yet."""

    def __init__(self, me: Identity, mesh_id: str, incarnation: str) -> None:
        self._me = me
        self._mesh_id = mesh_id
        self._incarnation = incarnation
        self._ballots: dict[str, tuple[int, Position, str]] = {}
        self._acks: dict[str, tuple[int, str]] = {}
        self._inherited = (0, "")
        """The term whose leader handed over to this peer, and its word for that."""
        self.elections: dict[int, Election] = {}
        self._unstored: list[Election] = []

    # ── from others ────────────────────────────────────────────────────────────────────────────────────────────────

    def takes_vote(self, core: Raft, sender: Seat, reply: VoteReply, sig: str) -> bool:
        """Whether a vote is signed by its voter; it is kept."""
        if not reply.granted or reply.pre:
            return True
        if not entries.vote_holds(self._mesh_id, reply.term, self._me.peer_id, sender.peer_id, reply.last, sig):
            return False
        if reply.term == core.term and sender in core.voters.everyone:
            self._ballots[sender.peer_id] = (reply.term, reply.last, sig)
        return True

    def takes_ack(self, core: Raft, decided: int, sender: Seat, reply: AppendReply, sig: str) -> bool:
        """Whether an acknowledgement is signed by its voter, of what stands here; it is kept."""
        if not reply.success or reply.term != core.term or reply.index <= decided:
            return True
        entry = core.log.at(reply.index)
        if entry is None:
            return False
        if entry.term != reply.term:
            return True  # it has come so far; only an entry of the leader's own term is acknowledged
        good = entries.ack_holds(self._mesh_id, reply.term, reply.index, entry.payload.hash, sender.peer_id, sig)
        if good and sender in core.voters.everyone:
            self._acks[sender.peer_id] = (reply.index, sig)
        return good

    def takes_over(self, sender: Seat, message: TimeoutNow, sig: str) -> bool:
        """Whether a leader's word that it hands over to this peer is signed; it is kept, to be shown to the others."""
        good = entries.transfer_holds(self._mesh_id, message.term, sender.peer_id, self._me.peer_id, sig)
        if good:
            self._inherited = (message.term, sig)
        return good

    def as_heir(self, leader: str | None, sender: Seat, asked: VoteRequest, sig: str) -> VoteRequest:
        """The request, as an heir's only if the leader that is followed here says so: nobody else's word unseats it."""
        heir = asked.transfer and entries.transfer_holds(
            self._mesh_id, asked.term - 1, leader or "", sender.peer_id, sig
        )
        return replace(asked, transfer=heir)

    def learn(self, found: dict[int, Election], known: dict[int, Election]) -> None:
        """Elections that were shown and checked."""
        for term, election in found.items():
            if term not in known and term not in self.elections:
                self.elections[term] = election
                self._unstored.append(election)

    def take_unstored(self) -> list[Election]:
        """Elections that are not on disk yet; the caller stores them."""
        taken, self._unstored = self._unstored, []
        return taken

    def only(self, stored: list[Election], known: dict[int, Election]) -> None:
        """A write failed: as after a crash, only what is on disk counts, of elections too. One that is held and not stored would
        leave entries on the disk of which nobody can tell whose they are."""
        self.elections = {election.term: election for election in stored if election.term not in known}
        self._unstored = []

    # ── certificates ───────────────────────────────────────────────────────────────────────────────────────────────

    def elected(self, core: Raft) -> None:
        """This peer won: the votes that show it."""
        last = core.log.last
        own = self._vote(core.term, self._me.peer_id, last)
        votes = [
            (voter, at.index, at.term, sig)
            for voter, (term, at, sig) in sorted(self._ballots.items())
            if (term, at) == (core.term, last)
        ]
        election = Election(core.term, self._me.peer_id, ((self._me.peer_id, last.index, last.term, own), *votes))
        self._acks = {}
        self.learn({election.term: election}, {})

    def certify(self, term: int, entry: ControlEntry) -> Commit:
        """Everything up to ``entry`` is stored by a majority, this peer among those that say so."""
        acks = [(voter, sig) for voter, (index, sig) in sorted(self._acks.items()) if index == entry.index]
        own = entries.sign_ack(self._me, self._mesh_id, term, entry.index, entry.hash)
        return Commit(term, entry.index, entry.hash, ((self._me.peer_id, own), *acks))

    # ── to others ──────────────────────────────────────────────────────────────────────────────────────────────────

    def frame(self, core: Raft, decided: Log, newest: Commit | None, message: Message) -> Frame:
        """A message with what it must prove."""
        match message:
            case VoteReply(term, True, False, last):
                return self._bare(message, sig=self._vote(term, core.vote or "", last))
            case AppendReply(term, True, index):
                entry = core.log.at(index)
                own = entry is not None and entry.term == term
                sig = (
                    entries.sign_ack(self._me, self._mesh_id, term, index, entry.payload.hash) if entry and own else ""
                )
                return self._bare(message, sig=sig)
            case TimeoutNow(term, heir):
                return self._bare(message, sig=entries.sign_transfer(self._me, self._mesh_id, term, heir))
            case VoteRequest(term, _, _, True) if term == self._inherited[0] + 1:
                return self._bare(message, sig=self._inherited[1])
            case Append():
                return self._bare(
                    message,
                    items=tuple({"entry": e.payload.raw.decode(), "sig": e.payload.sig} for e in message.entries),
                    elections=self._shown(decided, message),
                    certificate=newest.as_json() if newest else None,
                )
            case _:
                return self._bare(message)

    def _vote(self, term: int, candidate: str, last: Position) -> str:
        return entries.sign_vote(self._me, self._mesh_id, term, candidate, last)

    def _bare(self, message: Message, **more: Any) -> Frame:
        return Frame(self._mesh_id, self._incarnation, message, **more)

    def _shown(self, decided: Log, message: Append) -> tuple[dict[str, Any], ...]:
        known = decided.elections | self.elections
        terms = sorted({entry.term for entry in message.entries} & set(known))
        return tuple(known[term].as_json() for term in terms)
