"""Single steps of the core; what many of them come to is in tests/simulation/test_raft_core.py."""

from __future__ import annotations

import pytest

from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_log import Entry, Position, RaftLog
from chorus_tui.engine.control.raft_messages import Append
from chorus_tui.engine.control.raft_ready import HardState, Role, Timing
from chorus_tui.engine.control.voters import Seat, Voters

ADMIN, ME, OTHER = (Seat(name, "1") for name in "amo")
TIMING = Timing(heartbeat=1.0, timeout=3.0, patience=0.2)


@pytest.fixture
def voter():
    """One of three, which has just heard the admin of term 1."""
    log = RaftLog(Position(0, 0), Voters((ADMIN, ME, OTHER)), [])
    core = Raft(ME, HardState(1, None), log, 0, TIMING, lambda: 0.0, 0.0)
    core.step(ADMIN, Append(1, Position(0, 0), ()), 0.0)
    return core


def stands_at(core, now):
    """When it asks for votes, if it hears nothing more."""
    while core.role is Role.FOLLOWER:
        now += 0.01
        core.tick(now)
    return pytest.approx(now, abs=0.02)


def test_news_of_the_admin_by_another_way_keeps_a_voter_from_standing(voter):
    """Cut off from the admin's messages but told of it each heartbeat, it never stands."""
    for tenth in range(1, 200):
        voter.tick(tenth / 10)
        if tenth % 10 == 0:
            voter.reassured(1)

    assert voter.role is Role.FOLLOWER


def test_late_news_does_not_delay_an_election(voter):
    """Told of the admin up to a heartbeat after its last message, it stands when that message is a time-out old."""
    voter.tick(0.9)
    voter.reassured(1)

    assert stands_at(voter, 0.9) == TIMING.timeout


def test_news_of_an_older_term_is_none(voter):
    """An admin of the past keeps nobody from standing."""
    voter.tick(2.9)
    voter.reassured(0)

    assert stands_at(voter, 2.9) == TIMING.timeout


def test_a_certificate_wins_over_another_entry_of_the_same_term():
    """A leader shows this voter one entry and the others another: what these decided stands here too, in place of it."""
    seats = tuple(Seat(name, "1") for name in "abcde")
    log = RaftLog(Position(0, 0), Voters(seats), [])
    core = Raft(seats[1], HardState(1, None), log, 0, TIMING, lambda: 0.0, 0.0)
    core.step(seats[0], Append(1, Position(0, 0), (Entry(1, 1, "shown here"), Entry(2, 1, "behind it"))), 0.0)
    core.ready()
    core.persisted()
    core.adopt([Entry(1, 1, "decided")], 1)

    assert core.commit == 1
    assert (core.log.at(1).payload, core.log.last.index) == ("decided", 1)


def test_a_certificate_of_what_stands_here_cuts_nothing_behind_it():
    """What a voter holds beyond what was decided, and has acknowledged, stays."""
    seats = tuple(Seat(name, "1") for name in "abcde")
    log = RaftLog(Position(0, 0), Voters(seats), [])
    core = Raft(seats[1], HardState(1, None), log, 0, TIMING, lambda: 0.0, 0.0)
    core.step(seats[0], Append(1, Position(0, 0), (Entry(1, 1, "decided"), Entry(2, 1, "behind it"))), 0.0)
    core.ready()
    core.persisted()
    core.adopt([Entry(1, 1, "decided")], 1)

    assert (core.commit, core.log.last.index) == (1, 2)
