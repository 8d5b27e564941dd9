"""What must hold in every run, whatever goes wrong. Pure bookkeeping: the watch tells it facts, it tells what broke.

Facts about disks come from the disks, not from the engine that is being judged. Names beginning with E are those of
the election's invariants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chorus_tui.engine.control.entries import VOTE_CLOSED
from chorus_tui.engine.control.interface import ControlEntry

INVARIANTS = {
    "E1": "at most one admin in a term of a mesh",
    "E2": "one vote of a voter in a term, across restarts",
    "E3": "the term on a disk never goes back",
    "E4": "no term without the votes of a majority of its voters",
    "E5": "no entry of a lower term after one of a higher",
    "E6": "an admin that slept while another was elected decides nothing in its old term",
    "E8": "an admin cut off from the majority stops saying that it leads",
    "E9": "when faults have stopped there is exactly one admin, and everybody follows it",
    "E11": "while nothing goes wrong the admin stays",
    "C1": "committed entries are equal at equal index on all peers of a mesh",
    "C2": "what a peer has applied is still there after a crash",
    "C3": "the log of decisions has no hole",
    "C4": "nothing forged or out of date is applied",
    "T1": "at most one result of a task is accepted, for ever",
    "T2": "the first end of a task stands",
    "T3": "when faults have stopped every task ends",
    "T4": "a task with checks is accepted only by checks that passed",
    "V1": "no two peers ever show different outcomes of one vote, nor one peer at two times",
    "V2": "a vote that is counted is in the feed of who cast it",
    "V3": "when faults have stopped every vote that is due is closed, and all know what came of it",
    "F1": "what was told as stored is on the disk, and stays there through crashes",
    "F2": "when faults have stopped all feeds are equal",
    "F3": "one number of a feed has one entry, unless its author forked; what a peer holds it never replaces",
    "D1": "nothing is shown as held or received that was not on that peer's disk",
    "S1": "the situation that a scenario is named after comes about",
    "X1": "no service, fold or handler fails",
    "X2": "peers that can talk become one mesh",
}
"""Name and meaning."""

Key = tuple[str, str, int]
"""(author, epoch, seq) of a feed entry."""

ENDS = ("task_accepted", "task_failed", "task_cancelled", "task_budget_exhausted")


@dataclass(slots=True)
class Invariants:
    """The facts so far. ``broken(name, text)`` is called at each contradiction."""

    broken: Callable[[str, str], None]
    admins: dict[tuple[str, int], str] = field(default_factory=dict)
    votes: dict[tuple[str, str, int], str] = field(default_factory=dict)
    terms: dict[tuple[str, str], int] = field(default_factory=dict)
    committed: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    ends: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    checks: dict[tuple[str, str], set[bool]] = field(default_factory=dict)
    """Whether announcements of a task ask for checks; both only where its id was forged."""
    passed: set[str] = field(default_factory=set)
    """Hashes of feed entries that say that checks passed."""
    outcomes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of each proposal, what somebody showed first, and who."""
    hashes: dict[Key, str] = field(default_factory=dict)
    held: dict[Key, set[str]] = field(default_factory=dict)
    """Who ever had a feed entry on its disk."""
    disks: dict[tuple[str, Key], str] = field(default_factory=dict)
    """Which entry a disk holds under a number."""
    forged: set[str] = field(default_factory=set)
    """Hashes of decisions that a fault forged."""
    forked: dict[tuple[str, str], int] = field(default_factory=dict)
    """(author, epoch) that a fault made fork, and from which number on."""

    # ── decisions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def leads(self, mesh_id: str, term: int, peer: str) -> None:
        """A peer says that it is the admin, or signed an entry as such."""
        known = self.admins.setdefault((mesh_id, term), peer)
        if known != peer:
            self.broken("E1", f"{known} and {peer} are both admin of mesh {mesh_id[:8]} in term {term}")

    def voted(self, mesh_id: str, voter: str, term: int, vote: str) -> None:
        """A voter's disk, or a certificate, says for whom it voted."""
        known = self.votes.setdefault((mesh_id, voter, term), vote)
        if known != vote:
            self.broken("E2", f"{voter} voted for {known} and for {vote} in term {term} of mesh {mesh_id[:8]}")

    def on_disk(self, disk: str, mesh_id: str, term: int) -> None:
        """The term that a disk holds now."""
        known = self.terms.get((disk, mesh_id), 0)
        if term < known:
            self.broken("E3", f"the disk {disk} went back from term {known} to {term}")
        self.terms[disk, mesh_id] = max(term, known)

    def elected(self, mesh_id: str, term: int, sets: Iterable[Iterable[str]], votes: Iterable[str]) -> None:
        """A term was opened with these votes; ``sets`` are the voters, both sets while they were changing."""
        for voters in map(set, sets):
            counted = voters & set(votes)
            if len(counted) * 2 <= len(voters):
                self.broken("E4", f"term {term} of mesh {mesh_id[:8]} has {len(counted)} of {len(voters)} votes")

    def applied(self, peer: str, entry: ControlEntry) -> None:
        """A peer applied a committed entry."""
        if entry.hash in self.forged:
            self.broken("C4", f"{peer} applied entry {entry.index}, which was forged")
            return
        self.leads(entry.mesh_id, entry.term, entry.admin)
        place = (entry.mesh_id, entry.index)
        known = self.committed.setdefault(place, (entry.term, entry.hash))
        if known[1] != entry.hash:
            self.broken(
                "C1", f"entry {entry.index} of mesh {entry.mesh_id[:8]} is another one on {peer} than elsewhere"
            )
        before = self.committed.get((entry.mesh_id, entry.index - 1))
        if before is not None and before[0] > entry.term:
            self.broken("E5", f"entry {entry.index} is of term {entry.term}, the one before of {before[0]}")
        self._task(entry)
        if entry.type == VOTE_CLOSED:
            self._counted(entry)

    def in_order(self, peer: str, entry: ControlEntry, last: int) -> None:
        """A peer applies an entry; ``last`` is the one of that mesh that it applied before in this life, 0 for none."""
        if entry.index != last + 1:
            self.broken("C3", f"{peer} applied entry {entry.index} of mesh {entry.mesh_id[:8]} after entry {last}")

    def stays(self, mesh_id: str, terms: tuple[int, int]) -> None:
        """Nothing went wrong between two looks at the newest term of a mesh."""
        if terms[0] != terms[1]:
            self.broken("E11", f"mesh {mesh_id[:8]} went from term {terms[0]} to {terms[1]} although nothing was wrong")

    def _task(self, entry: ControlEntry) -> None:
        task_id = entry.data.get("task_id")
        if entry.type not in ENDS or not isinstance(task_id, str):
            return
        if entry.type == "task_accepted" and self.checks.get((entry.mesh_id, task_id)) == {True}:
            check = entry.data.get("check") or {}
            if check.get("hash") not in self.passed:
                self.broken("T4", f"task {task_id} was accepted, though no checks of it passed")
        index, how = self.ends.setdefault((entry.mesh_id, task_id), (entry.index, entry.type))
        if index != entry.index:
            name = "T1" if entry.type == how == "task_accepted" else "T2"
            text = f"task {task_id} has two ends: {how} in entry {index}, {entry.type} in entry {entry.index}"
            self.broken(name, text)

    def announced(self, mesh_id: str, task_id: str, *, checks: bool) -> None:
        """Somebody announced a task."""
        self.checks.setdefault((mesh_id, task_id), set()).add(checks)

    def _counted(self, entry: ControlEntry) -> None:
        """Whoever cast a counted vote had it on its disk before anybody else."""
        for voter, stated in entry.data.get("members", {}).items():
            if stated["vote"] is None:
                continue
            epoch, seq, hash_ = stated["vote"][:3]
            key = (voter, epoch, seq)
            said = voter in self.held.get(key, ()) and (self.hashes.get(key) == hash_ or key[:2] in self.forked)
            if not said:
                self.broken("V2", f"entry {entry.index} counts {_of(key)}, which its author never said")

    def shown(self, peer: str, proposal: str, outcome: str) -> None:
        """A peer shows what came of a vote."""
        who, known = self.outcomes.setdefault(proposal, (peer, outcome))
        if known != outcome:
            self.broken("V1", f"{who} showed {known} of the vote {proposal[:8]}, {peer} shows {outcome}")

    # ── feeds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def forks(self, feed: tuple[str, str], seq: int) -> None:
        """A fault signs two entries under one number."""
        self.forked[feed] = min(seq, self.forked.get(feed, seq))

    def synced(self, peer: str, disk: str, key: Key, hash_: str) -> None:
        """A feed entry is on a peer's disk."""
        known = self.hashes.setdefault(key, hash_)
        if known != hash_ and key[:2] not in self.forked:
            self.broken("F3", f"{peer} holds another entry {_of(key)} than others do")
        self.held.setdefault(key, set()).add(peer)
        if self.disks.setdefault((disk, key), hash_) != hash_:
            self.broken("F3", f"the disk {disk} replaced its entry {_of(key)} by another one")

    def told_as_stored(self, peer: str, key: Key) -> None:
        """A peer acts on a feed entry as on one that it holds."""
        if peer not in self.held.get(key, ()):
            self.broken("F1", f"{peer} told of {_of(key)} as stored before it was on its disk")

    def is_everywhere(self, key: Key, peers: frozenset[str]) -> bool:
        """Whether all of ``peers`` have had a feed entry on their disk: whoever of them is shown as its holder, that is true."""
        return peers <= self.held.get(key, set())

    def shown_as_held(self, author: str, key: Key, by: Iterable[str]) -> None:
        """The author shows an own entry as held or received by these peers."""
        untrue = sorted(set(by) - self.held.get(key, set()))
        if untrue:
            self.broken("D1", f"{author} shows {_of(key)} as held by {', '.join(untrue)}, where it never was")


def _of(key: Key) -> str:
    return f"{key[0][-6:]}/{key[1][:8]}/{key[2]}"
