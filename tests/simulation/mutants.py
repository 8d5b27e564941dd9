"""Bugs to plant: each breaks one rule of the engine, and the invariant that guards it must turn red.

A mutant patches the rule itself, never the simulator or what it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import trio

from chorus_tui.engine.control import entries, governing, raft, seating, store, voters
from chorus_tui.engine.control.discovery import Discovery
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_ready import HardState, Role
from chorus_tui.engine.control.service import ControlService
from chorus_tui.engine.control.voters import Seat
from chorus_tui.engine.decisions import rules as votes_rules
from chorus_tui.engine.decisions.facts import CountedVote
from chorus_tui.engine.journal.acceptance import Acceptance
from chorus_tui.engine.journal.replication import Replication
from chorus_tui.engine.journal.store import FeedStore
from chorus_tui.engine.simulation.plan import Options
from chorus_tui.engine.tasks import rules
from chorus_tui.engine.tasks.board import Board

FAITHFUL_ADD = FeedStore.add


@dataclass(frozen=True)
class Mutant:
    """``faults`` are those under which it shows; ``red`` the invariants one of which must break."""

    plant: Callable[[], AbstractContextManager[object]]
    faults: tuple[str, ...]
    red: tuple[str, ...]
    peers: int = 4
    minutes: float = 1.0
    fast: bool = False
    """Only seeds with the fast election profile, for what needs many elections."""
    scenario: str = ""
    first: int = 0
    """No seed before this one shows it, with the code of today."""

    def seeds(self, count: int) -> range:
        """The first ``count`` seeds to try."""
        return range(self.first, self.first + 4 * count, 4) if self.fast else range(self.first, self.first + count)

    def options(self, seed: int) -> Options:
        """The run that a seed means."""
        return Options(seed, self.peers, self.minutes, self.faults, self.scenario)


def holds_before_the_disk() -> AbstractContextManager[object]:
    """A receiver counts an entry as held, and says so, before it is on the disk."""
    sort = Acceptance._sort

    def early(self, batch):
        fresh, rest = sort(self, batch)
        for heard in fresh:
            self._journal.chains.advance(heard.entry)
        return fresh, rest

    return patch.object(Acceptance, "_sort", early)


def answers_before_the_sync() -> AbstractContextManager[object]:
    """An entry is acted on and gossiped while the disk still writes it."""

    async def add(self, rows, unchecked=None):
        kept = list(rows)
        trio.lowlevel.spawn_system_task(FAITHFUL_ADD, self, kept, unchecked)
        await trio.lowlevel.checkpoint()

    return patch.object(FeedStore, "add", add)


def shows_sent_as_held() -> AbstractContextManager[object]:
    """Whoever is linked counts as a holder of everything said."""
    return patch.object(Replication, "holders", lambda self, _entry: set(self._journal.mesh.links()))


def never_replicates() -> AbstractContextManager[object]:
    """What gossip lost is never asked for."""
    return patch.object(Replication, "ask", lambda _self, _peer: None)


@contextmanager
def replaces_what_it_holds() -> Iterator[None]:
    """The newest of two entries under one number wins."""
    evidence = FeedStore.add_evidence

    async def replace(self, entry):
        h = entry.header
        values = (entry.hash, h.encode(), entry.sig, entry.body, h.author, h.epoch, h.seq)
        delete = "DELETE FROM entries WHERE author = ? AND epoch = ? AND seq = ?"
        await self._db.write(lambda c: c.execute(delete, values[4:]))
        await self.add([(entry, "")])
        return await evidence(self, entry)

    with patch.object(FeedStore, "add_evidence", replace):
        yield


@contextmanager
def believes_any_certificate() -> Iterator[None]:
    """Votes and acknowledgements are not checked."""
    yes = lambda *_: True  # noqa: E731 - as short as the bug
    with patch.object(entries.Election, "holds", yes), patch.object(entries.Commit, "holds", yes):
        yield


def forgets_the_end_of_its_log() -> AbstractContextManager[object]:
    """After a restart the last decision is not read from the disk."""
    load = store.ControlStore.load

    def short(self, mesh_id):
        whole, decided, undecided = load(self, mesh_id)
        log = Log(mesh_id, elections=whole.elections)
        for entry in decided[:-1]:
            log.extend(entry)
        return log, decided[:-1], [] if decided else undecided

    return patch.object(store.ControlStore, "load", short)


def votes_from_a_backup() -> AbstractContextManager[object]:
    """A restored voter takes its old state for the present one."""

    async def seat_of(control, _loaded):
        return Seat(control.me.peer_id, control.store.incarnation())

    return patch.object(seating, "seat_of", seat_of)


def votes_twice() -> AbstractContextManager[object]:
    """A voter gives its vote of a term to everybody who asks."""
    vote = Raft._vote

    def again(self, sender, request):
        if not request.pre and self._hard.vote not in (None, self.me.peer_id):
            self._hard = HardState(self._hard.term, None)
        vote(self, sender, request)

    return patch.object(Raft, "_vote", again)


def leads_on_alone() -> AbstractContextManager[object]:
    """A leader never looks whether a majority still hears it."""
    return patch.object(raft, "QUORUM_SHARE", 1e9)


def one_is_a_majority() -> AbstractContextManager[object]:
    """A single voter elects and decides."""
    return patch.object(voters, "_majority", lambda _whole, part: len(part) > 0)


def accepts_again() -> AbstractContextManager[object]:
    """An accepted task stays open."""
    decided = Board.decided

    def forget(self, entry):
        key = decided(self, entry)
        if entry.type == "task_accepted":
            task = self.task(key)
            task.terminal = ""
            task.grants[-1].ended = ""
        return key

    return patch.object(Board, "decided", forget)


def believes_the_worker() -> AbstractContextManager[object]:
    """That a task is done is taken from whoever did it."""
    return patch("chorus_tui.engine.tasks.verification.wanted", lambda _task: False)


def never_expires() -> AbstractContextManager[object]:
    """A lease never runs out."""
    decide = rules.decide

    def without(*arguments):
        return [act for act in decide(*arguments) if act.type_ != "task_expired"]

    return patch("chorus_tui.engine.tasks.admin.decide", without)


def fails_on_results() -> AbstractContextManager[object]:
    """A fold raises on some entries."""
    apply = Board.apply

    def fail(self, entry, message):
        if entry.type == "task_complete":
            raise ValueError("planted")
        return apply(self, entry, message)

    return patch.object(Board, "apply", fail)


def takes_its_candidacy_back() -> AbstractContextManager[object]:
    """A candidate that was not elected goes back to the term before."""
    due = Raft._stand_when_due

    def back(self):
        if self.role is Role.CANDIDATE:
            self._hard = HardState(self.term - 1, None)
            self._ready.hard = self._hard
        due(self)

    return patch.object(Raft, "_stand_when_due", back)


def counts_its_own_word() -> AbstractContextManager[object]:
    """A leader commits what it alone has stored."""
    end = Raft._commit_end

    def hasty(self):
        if self.role is Role.LEADER and self.log.last.term == self.term and self._stable == self.log.last.index:
            self.commit = self.log.last.index
        end(self)

    return patch.object(Raft, "_commit_end", hasty)


def nobody_stands() -> AbstractContextManager[object]:
    """However long no admin is heard, no voter stands."""

    def wait(self):
        self._deadline = self._now + self.timing.timeout

    return patch.object(Raft, "_stand_when_due", wait)


@contextmanager
def stands_against_a_healthy_admin() -> Iterator[None]:
    """Who hears an admin stands all the same, and gets votes."""
    hear = Raft._hear

    def restless(self, sender, term):
        hear(self, sender, term)
        self._deadline = self._now + self.timing.heartbeat / 2

    with patch.object(Raft, "_hear", restless), patch.object(Raft, "_hears_a_leader", lambda _self: False):
        yield


def leaves_out_the_beginning() -> AbstractContextManager[object]:
    """After a restart the folds do not get the first decision."""
    replay = ControlService.replay

    def short(self, decided):
        replay(self, decided[1:] if len(decided) > 1 else decided)

    return patch.object(ControlService, "replay", short)


def a_cancelled_task_stays_open() -> AbstractContextManager[object]:
    """A task that failed or was cancelled can end once more."""
    decided = Board.decided

    def forget(self, entry):
        key = decided(self, entry)
        if entry.type in ("task_cancelled", "task_failed"):
            self.task(key).terminal = ""
        return key

    return patch.object(Board, "decided", forget)


def members_are_not_let_in() -> AbstractContextManager[object]:
    """A member that comes back with an empty disk is refused, as it is a member already."""
    add = Discovery._add

    async def refuse(self, newcomer, request):
        if self._control.is_member(newcomer.peer_id):
            return {"kind": "refused", "why": "a member already"}
        return await add(self, newcomer, request)

    return patch.object(Discovery, "_add", refuse)


def keeps_silent_voters() -> AbstractContextManager[object]:
    """A silent voter is never replaced."""
    return patch.object(governing, "SILENT_TIMEOUTS", 1e9)


def counts_what_it_holds() -> AbstractContextManager[object]:
    """Of each member whose vote the closing entry names, a peer counts the last vote it holds."""
    counted = votes_rules.counted

    def held(proposal, closing, votes, erased):
        named = counted(proposal, closing, votes, erased)
        standing = votes_rules.standing(proposal, votes.values(), closing.roster)
        return named and {peer_id: standing[peer_id].message.choice for peer_id in named}

    return patch.object(votes_rules, "counted", held)


def counts_what_nobody_said() -> AbstractContextManager[object]:
    """An admin makes up a vote."""
    stated = votes_rules.stated

    def made_up(proposal, *facts):
        told = stated(proposal, *facts)
        first = proposal.message.eligible[0]
        vote = CountedVote("0" * 32, 0, "0" * 64, "approve")
        return {**told, first: told[first].model_copy(update={"vote": vote})}

    return patch.object(votes_rules, "stated", made_up)


def never_closes_a_vote() -> AbstractContextManager[object]:
    """A deadline that is over closes nothing."""
    return patch.object(votes_rules, "due", lambda *_facts: False)


MUTANTS = {
    "holds before the disk": Mutant(holds_before_the_disk, ("crash", "slow-disk", "loss"), ("D1",)),
    "answers before the sync": Mutant(answers_before_the_sync, ("crash",), ("F1",)),
    "shows what was sent as held": Mutant(shows_sent_as_held, ("loss", "partition"), ("D1",)),
    "never replicates": Mutant(never_replicates, ("loss", "partition"), ("F2", "T3")),
    "replaces what it holds": Mutant(replaces_what_it_holds, ("fork",), ("F3",)),
    "believes any certificate": Mutant(believes_any_certificate, ("forged",), ("C4",)),
    "forgets the end of its log": Mutant(forgets_the_end_of_its_log, ("crash",), ("C1", "C2", "C3")),
    "votes from a backup": Mutant(
        votes_from_a_backup,
        ("restored-backup", "partition", "crash"),
        ("C1", "E1", "E2", "E5"),
        3,
        2.0,
        fast=True,
        first=5,
    ),
    "votes twice": Mutant(votes_twice, ("crash", "delay", "partition"), ("E2",), 5, 2.0, fast=True, first=13),
    "leads on alone": Mutant(leads_on_alone, ("partition", "pause"), ("E8",), 5, 2.0, fast=True, first=1),
    "one is a majority": Mutant(one_is_a_majority, ("partition",), ("C1", "E1", "E4")),
    "accepts again": Mutant(accepts_again, (), ("T1",)),
    "believes the worker": Mutant(believes_the_worker, (), ("T4",)),
    "counts what it holds": Mutant(counts_what_it_holds, ("partition", "delay"), ("V1",), first=3),
    "counts what nobody said": Mutant(counts_what_nobody_said, (), ("V2",)),
    "never closes a vote": Mutant(never_closes_a_vote, (), ("V3",)),
    "a lease never runs out": Mutant(never_expires, ("death", "loss", "delay"), ("T3",), 5, 2.0, first=7),
    "takes its candidacy back": Mutant(
        takes_its_candidacy_back, ("crash", "partition", "delay"), ("E3",), 5, 2.0, fast=True, first=1
    ),
    "counts its own word": Mutant(counts_its_own_word, (), ("E6", "C1"), scenario="admin-asleep"),
    "nobody stands": Mutant(nobody_stands, ("crash",), ("E9",)),
    "leaves out the beginning": Mutant(leaves_out_the_beginning, ("crash",), ("C3",)),
    "a cancelled task stays open": Mutant(a_cancelled_task_stays_open, (), ("T2",)),
    "members are not let in": Mutant(
        members_are_not_let_in, ("lost-disk", "duplication", "clock-jump"), ("X2",), 6, 0.5, first=1
    ),
    "keeps silent voters": Mutant(keeps_silent_voters, (), ("S1",), scenario="roster-changed-during-a-partition"),
    "stands against a healthy admin": Mutant(stands_against_a_healthy_admin, (), ("E11",)),
    "a fold that fails": Mutant(fails_on_results, (), ("X1",)),
}
"""By what the bug does."""
