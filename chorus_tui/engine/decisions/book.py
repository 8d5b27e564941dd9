"""The book of decisions: a fold over feeds and control logs. Pure; the order in which feeds arrive changes nothing.

A proposal is known by the hash of its entry: ids are handles for people, and a second proposal under an id that is taken
takes nothing over. The first entry of the control log that ends a proposal stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from chorus_tui.engine.control import entries, requests
from chorus_tui.engine.control.interface import ControlEntry, Member, Person
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.decisions.facts import Closing, Proposal, Vote, Withdrawal
from chorus_tui.engine.decisions.rules import flaw
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import EpochOpened, Message
from chorus_tui.engine.protocol.messages.decisions import DecisionAnnouncement, DecisionProposal, DecisionVote
from chorus_tui.engine.protocol.named import Named, named_entry
from chorus_tui.engine.protocol.said import Said

M = TypeVar("M")


@dataclass(slots=True)
class Case:
    """All that is known of one proposal, which may not be here yet itself."""

    hash: str
    proposal: Proposal | None = None
    votes: dict[str, Vote] = field(default_factory=dict)
    """By hash; those of feeds that forked too."""
    ends: list[Closing | Withdrawal] = field(default_factory=list)
    """What the control log says that ends it, in the order of the log; which of it may, shows when the proposal is here."""
    records: dict[str, Said[DecisionAnnouncement]] = field(default_factory=dict)
    """Announcements of its record, by their hash."""

    @property
    def end(self) -> Closing | Withdrawal | None:
        """The first entry that really ends it."""
        proposal = self.proposal
        return next((end for end in self.ends if proposal is not None and ends(proposal, end)), None)

    @property
    def closing(self) -> Closing | None:
        """The closing that counts."""
        return end if isinstance(end := self.end, Closing) else None

    @property
    def withdrawal(self) -> Withdrawal | None:
        """The withdrawal that counts."""
        return end if isinstance(end := self.end, Withdrawal) else None


def ends(proposal: Proposal, end: Closing | Withdrawal) -> bool:
    """Whether an entry may end this proposal: a withdrawal is its proposer's, and nobody closes what counts for nothing."""
    if end.mesh_id != proposal.message.mesh_id:
        return False
    return end.by == proposal.author if isinstance(end, Withdrawal) else not flaw(proposal, end.roster)


class Book:
    """Every proposal of every mesh that is known here."""

    types = frozenset({"decision_proposal", "decision_vote", "signed_vote", "decision_announcement", "epoch_opened"})

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.erased: set[Named] = set()
        """Entries whose text was erased, each with its author and number: a member erases of its own what it likes, so that a hash
        alone says nothing of another's entry."""
        self.doubted: dict[tuple[str, str], int] = {}
        """Feeds (author, epoch) whose author said two things under one number: nothing from there on counts."""
        self._rosters: dict[str, Roster] = {}
        self._epochs: dict[str, dict[str, int]] = {}
        self._records: dict[str, dict[str, Said[DecisionAnnouncement]]] = {}
        self._citing: dict[str, list[Case]] = {}
        """Proposals by the entry of the patch's revision that they decide on."""

    def case(self, hash_: str) -> Case:
        """Made empty when it is not known yet."""
        return self.cases.setdefault(hash_, Case(hash_))

    # ── what peers said ────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> Case | None:
        """One feed entry; the case it concerns."""
        if isinstance(message, DecisionProposal):
            case = self.case(entry.hash)
            case.proposal = Said.of(entry, message)
            case.records = self._records.get(message.proposal_id, {})
            if message.patch is not None:
                self._citing.setdefault(message.patch, []).append(case)
            return case
        if isinstance(message, DecisionVote):
            case = self.case(message.proposal)
            case.votes[entry.hash] = Said.of(entry, message)
            return case
        if isinstance(message, DecisionAnnouncement):
            return self._announced(Said.of(entry, message))
        if isinstance(message, EpochOpened):
            opened = self._epochs.setdefault(entry.author, {})
            opened[entry.header.epoch] = int(entry.header.hlc.partition(":")[0])
        return None

    def _announced(self, said: Said[DecisionAnnouncement]) -> Case | None:
        """An address ends with the id; should it stand for several proposals, each looks for its own record."""
        proposal_id = said.message.address.rpartition("/")[2]
        self._records.setdefault(proposal_id, {})[said.hash] = said
        found = None
        for case in self.named(proposal_id):
            case.records = self._records[proposal_id]
            found = case
        return found

    def reset(self) -> None:
        """Forget what peers said; what the control log decided stays. Whoever waits with a case in hand goes on with it."""
        for case in self.cases.values():
            case.proposal, case.votes, case.records = None, {}, {}
        self._records.clear()
        self._citing.clear()

    def doubt(self, author: str, epoch: str, seq: int | None) -> None:
        """From ``seq`` on that feed does not count; None: all of it counts again."""
        if seq is None:
            self.doubted.pop((author, epoch), None)
        else:
            self.doubted[author, epoch] = seq

    def in_doubt(self, said: Said[M]) -> bool:
        """Whether it stands in a feed that forked, behind the fork."""
        start = self.doubted.get((said.author, said.epoch))
        return start is not None and said.seq >= start

    def untold(self, closing: Closing) -> dict[str, str]:
        """Members with a counted vote whose text need not be here, and why: erased, or behind a fork that was seen after the
        closing."""
        found = {}
        for peer_id, stated in closing.members.items():
            vote = stated.vote
            if vote is None:
                continue
            if (peer_id, vote.epoch, vote.seq, vote.hash) in self.erased:
                found[peer_id] = "its text was erased"
            elif vote.seq >= self.doubted.get((peer_id, vote.epoch), vote.seq + 1):
                found[peer_id] = "its author's feed forked before it"
        return found

    # ── what the mesh decided ──────────────────────────────────────────────────────────────────────────────────────

    def decided(self, entry: ControlEntry) -> Case | None:
        """One control entry; the case it concerns."""
        roster = self._rosters.setdefault(entry.mesh_id, Roster())
        case = None
        if entry.type == entries.VOTE_CLOSED:
            case = self._closed(entry, roster)
        elif entry.type == entries.VOTE_WITHDRAWN:
            case = self._withdrawn(entry)
        elif entry.type == entries.BODY_ERASED and (named := named_entry(entry.data)) is not None:
            self.erased.add(named)
        roster.apply(entry)
        return case

    def _closed(self, entry: ControlEntry, roster: Roster) -> Case | None:
        closing = Closing.read(entry, dict(roster.members), roster.persons)
        if closing is None:
            return None
        case = self.case(closing.proposal)
        case.ends.append(closing)
        return case

    def _withdrawn(self, entry: ControlEntry) -> Case | None:
        try:
            wish = requests.read(entry.request, entry.mesh_id)
        except WireError:
            return None
        case = self.case(str(entry.data.get("proposal", "")))
        at_ms = entries.said_at_ms(entry.hlc)
        reason = str(entry.data.get("reason", ""))
        case.ends.append(Withdrawal(entry.mesh_id, case.hash, wish.peer_id, reason, entry.index, at_ms))
        return case

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def members(self, mesh_id: str) -> dict[str, Member]:
        """Of a mesh, after its last entry that is known here."""
        roster = self._rosters.get(mesh_id)
        return roster.members if roster else {}

    def persons(self, mesh_id: str) -> dict[str, Person]:
        """Who is or was enrolled in a mesh, after its last entry that is known here."""
        roster = self._rosters.get(mesh_id)
        return roster.persons if roster else {}

    def votes(self, case: Case) -> dict[str, Vote]:
        """Those that may count, by hash: not those behind a fork, unless the closing entry counted them before it was seen."""
        closing = case.closing
        named = {one.hash for _, one in closing.counted()} if closing else set()
        return {hash_: vote for hash_, vote in case.votes.items() if hash_ in named or not self.in_doubt(vote)}

    def proposals(self, wanted: Callable[[Case], bool] = lambda _: True) -> list[Case]:
        """Those whose proposal is here, newest first."""
        found = [case for case in self.cases.values() if case.proposal is not None and wanted(case)]
        return sorted(found, key=lambda case: (-(case.proposal.at_ms if case.proposal else 0), case.hash))

    def named(self, beginning: str) -> list[Case]:
        """Proposals whose id begins so."""
        return self.proposals(
            lambda case: case.proposal is not None and case.proposal.message.proposal_id.startswith(beginning)
        )

    def citing(self, patch: str) -> list[Case]:
        """Those that decide on this revision of a patch."""
        return [case for case in self._citing.get(patch, []) if case.proposal is not None]

    def newest_epochs(self, author: str) -> list[str]:
        """Of an author's feed, the one opened last first."""
        opened = self._epochs.get(author, {})
        return sorted(opened, key=lambda epoch: (-opened[epoch], epoch))
