"""Whose silence counts as agreement, and what a peer that is named knows better."""

from __future__ import annotations

from math import inf

import pytest

from chorus_tui.engine.hmmm import rules
from chorus_tui.engine.hmmm.silence import Arrivals, Holders
from tests.unit.hmmm.threads import closing, line, thread

P = line("ada", "proposal", "p", 0)
CLOSED = closing(P, 31, "bob", "cem")


def heard(me: str, proposed: float, closed: float) -> Arrivals:
    """By a peer to which these came then."""
    made = Arrivals(me)
    made.came(P.hash, proposed)
    made.came(CLOSED.hash, closed)
    return made


def still(arrivals: Arrivals, now: float, *more) -> float:
    made = thread(P, CLOSED, *more)
    return arrivals.still(made, rules.judge(made, P), now)


@pytest.mark.parametrize(
    ("proposed", "closed", "told"),
    [(100, 131, "stated"), (100, 130, "stated"), (100, 129, "late"), (100, 100, "late"), (100, 90, "late"),
     (-inf, 3, "stated"), (-inf, -inf, "stated"), (100, -inf, "late")],
)  # fmt: skip
def test_a_peer_that_is_named_goes_by_its_own_clock(proposed, closed, told):
    """Whatever times the proposer wrote; what was here before this life of the engine was here for long."""
    assert heard("bob", proposed, closed).silence(CLOSED, P) == told


def test_who_is_not_named_knows_no_better():
    """Nor does the proposer, who names others; nor is anything said by a line that closes nothing."""
    assert heard("dan", 100, 101).silence(CLOSED, P) == ""
    assert heard("ada", 100, 101).silence(CLOSED, P) == ""
    assert heard("bob", 100, 101).silence(CLOSED, None) == ""


def test_it_is_open_to_that_peer_until_it_has_had_the_time_or_says_that_it_agrees():
    """Its silence is one then; to all the others it stands as the closing says."""
    late = heard("bob", 100, 105)

    assert still(late, 106) == 24
    assert still(late, 130) == 0
    assert still(late, 106, line("bob", "agreement", "g", 40, "p")) == 0
    assert still(late, 106, line("cem", "agreement", "g", 40, "p")) == 24
    assert still(late, 106, line("bob", "objection", "o", 40, "p")) == 0  # reopened, to everybody
    assert still(heard("dan", 100, 105), 106) == 0
    assert still(heard("bob", 60, 105), 106) == 0


def test_what_is_told_anew_came_when_it_came_first():
    """A fold that begins again takes no time away from anybody, nor gives any."""
    made = heard("bob", 100, 105)
    made.came(P.hash, 200)
    made.came(CLOSED.hash, 200)

    assert made.silence(CLOSED, P) == "late"
    assert still(made, 131) == 0


def test_a_proposer_names_those_that_had_it_for_the_whole_time():
    """From when it knew that they have it: so nobody that it names had less."""
    made = Holders()

    assert made.in_time(P, {"bob"}, 100) == set()
    assert made.in_time(P, {"bob", "cem"}, 120) == set()
    assert made.in_time(P, {"bob", "cem"}, 130) == {"bob"}
    assert made.in_time(P, {"bob", "cem"}, 150) == {"bob", "cem"}
    made.forget(P)
    assert made.in_time(P, {"bob"}, 151) == set()


def test_only_members_are_silent():
    """A name that is nobody's holds nothing; one member beside it is enough."""
    named = closing(P, 31, "nobody", "ghost")

    assert rules.judge(thread(P, named, strangers=frozenset({"nobody", "ghost"})), P).state == "open"
    assert rules.judge(thread(P, named, strangers=frozenset({"nobody"})), P).state == "agreed"
