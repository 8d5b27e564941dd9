"""The Raft core alone, under a hostile scheduler; and that the checks would notice if it were wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chorus_tui.engine.control import raft as core
from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.control.raft_ready import HardState, Role
from chorus_tui.engine.control.voters import Voters
from tests.simulation.raft_world import Broken, World

STEPS = 20_000
SEEDS = 24
SHAPES = [(3, 3), (5, 3), (5, 5), (6, 5), (7, 7), (4, 1)]


def run(seed: int, steps: int = STEPS) -> World:
    """One world to its end. Raises :class:`Broken`."""
    peers, voters = SHAPES[seed % len(SHAPES)]
    world = World(seed, peers=peers, voters=voters)
    world.run(steps)
    return world


def test_safety_and_progress_whatever_happens():
    """E1 to E5, E9: crashes, lost disks, cuts, loss, sleep, changes of voters, transfers: one leader a term, one vote a voter
    and term, decided entries stand, and after the faults the mesh goes on."""
    seen: set[str] = set()
    for seed in range(SEEDS):
        print(f"seed {seed}")
        seen |= run(seed).seen

    assert seen >= {
        "elected",
        "stepped_down",
        "candidacy",
        "behind",
        "following",
        "timed_out",
        "transferred",
        "changed",
    }


# ── planted bugs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def votes_twice(monkeypatch) -> None:
    real = Raft._vote

    def forgetful(self, sender, request):
        self._hard = HardState(self._hard.term, None)
        real(self, sender, request)

    monkeypatch.setattr(Raft, "_vote", forgetful)


def votes_for_shorter_logs(monkeypatch) -> None:
    monkeypatch.setattr(Position, "as_new_as", lambda _self, _other: True)


def wins_with_a_minority(monkeypatch) -> None:
    monkeypatch.setattr(
        Voters, "majority", lambda self, seats: 3 * sum(s in seats for s in self.everyone) >= len(self.everyone)
    )


def forgets_the_old_voters(monkeypatch) -> None:
    def only_new(self, seats):
        return 2 * sum(seat in seats for seat in self.seats) > len(self.seats)

    monkeypatch.setattr(Voters, "majority", only_new)


def commits_before_a_majority_has_it(monkeypatch) -> None:
    def hasty(self):
        if self.role is Role.LEADER and self.log.last.term == self.term:
            self.commit = self.log.last.index

    monkeypatch.setattr(Raft, "_commit_end", hasty)


def counts_its_own_entries_before_the_disk(monkeypatch) -> None:
    real = Raft.append

    def early(self, entries):
        real(self, entries)
        self._stable = self.log.last.index
        self._commit_end()

    monkeypatch.setattr(Raft, "append", early)


def keeps_what_conflicts(monkeypatch) -> None:
    """A follower that believes its own entries instead of the leader's."""
    real = Raft._take

    def stubborn(self, sender, message):
        known = [entry for entry in message.entries if self.log.at(entry.index) is None]
        if message.entries and len(known) < len(message.entries):
            skipped = len(message.entries) - len(known)
            last = message.entries[skipped - 1]
            term = self.log.term_at(last.index)
            message = core.Append(message.term, Position(last.index, term if term is not None else 0), tuple(known))
        real(self, sender, message)

    monkeypatch.setattr(Raft, "_take", stubborn)


def another_store_counts_as_the_voter(monkeypatch) -> None:
    """A lost disk comes back as the voter it was."""
    real = World.lose_disk

    def same(self, node):
        seat = node.seat
        real(self, node)
        node.seat = seat

    monkeypatch.setattr(World, "lose_disk", same)


def leader_rewrites(monkeypatch) -> None:
    """A leader that goes on in its old term after a newer one was seen."""

    def deaf(self, term, leader, reason):
        self._hard = HardState(self._hard.term, self._hard.vote)
        if self.role is not Role.LEADER:
            self.role, self.leader = Role.FOLLOWER, leader

    monkeypatch.setattr(Raft, "_follow", deaf)


MUTANTS = {
    votes_twice: 0, votes_for_shorter_logs: 0, wins_with_a_minority: 0, forgets_the_old_voters: 75,
    commits_before_a_majority_has_it: 0, counts_its_own_entries_before_the_disk: 0, keeps_what_conflicts: 185,
    another_store_counts_as_the_voter: 0, leader_rewrites: 0,
}  # fmt: skip
"""The bug → a seed not far before the first that notices it."""


@pytest.mark.parametrize("plant", MUTANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_noticed(plant: Callable, monkeypatch):
    """Each bug breaks a promise within a few seeds: the checks can fail."""
    plant(monkeypatch)
    for seed in range(MUTANTS[plant], 300):
        try:
            run(seed)
        except (Broken, core.IllegalStep, ValueError) as error:
            print(f"seed {seed}: {error!r}")
            return
    pytest.fail("no seed noticed it")
