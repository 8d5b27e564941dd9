"""Which votes speak for all who may vote: nobody decides for the others by choosing whom to ask."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.decisions import reach, rules
from chorus_tui.engine.decisions.ballots import NOBODY, PERSON
from chorus_tui.engine.protocol.messages.decisions import ABSTAIN
from tests.support.ssh_signing import Key
from tests.unit.decisions.cases import member, members, person, proposal

EVERYBODY = "abcdef"
CHOICES = ("approve", "reject", ABSTAIN)
THRESHOLDS = ("majority", "two_thirds", "unanimous")


def why(choices, named, left, author="author", **fields):
    """Of a vote of these, with so many left out."""
    what = proposal(*named, **fields)
    return reach.narrow(what, left) or reach.doubtful(what, left, choices, author)


@pytest.mark.parametrize("choice", ["approve", "reject"])
@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("quorum", ["0/1", "1/2", "1/1"])
def test_one_voter_that_names_itself_decides_nothing(choice, threshold, quorum):
    """Neither for a patch nor against it, whatever the rule that it gives its vote."""
    for others in range(1, 9):
        assert why({"a": choice}, "a", others, threshold=threshold, quorum=quorum)


def test_half_of_those_named_have_to_vote():
    """Whoever asks all and takes one vote for enough has asked nobody."""
    assert "quorum is 0/1" in why({"a": "reject"}, EVERYBODY, 0, quorum="0/1")
    assert "quorum is 1/3" in why({"a": "reject"}, EVERYBODY, 0, quorum="1/3")
    assert why(dict.fromkeys("abc", "reject"), EVERYBODY, 0) == ""


@given(
    st.dictionaries(st.sampled_from(EVERYBODY), st.sampled_from(CHOICES), min_size=1),
    st.sampled_from(THRESHOLDS), st.integers(0, 4),
)  # fmt: skip
def test_whoever_was_left_out_could_not_have_turned_what_counts(choices, threshold, left):
    """Whatever they had chosen: a vote that passed still has more than half, one that did not still does not pass by its own rule."""
    if why(choices, EVERYBODY, left, threshold=threshold):
        return
    out = rules.tally(proposal(*EVERYBODY, threshold=threshold), choices.values()).outcome
    if out == "no_quorum":
        return
    rest = [f"left {n}" for n in range(left)]
    for theirs in product(CHOICES, repeat=left):
        full = proposal(*EVERYBODY, *rest, threshold="majority" if out == "passed" else threshold, quorum="0/1")
        assert rules.tally(full, [*choices.values(), *theirs]).outcome == out
    assert left < len(choices) or not left


def test_who_comes_while_it_is_held_stops_no_clear_vote():
    """Of three that agree one more could turn nothing; where it was close, another vote is held."""
    agreed, close = dict.fromkeys("abc", "approve"), {"a": "approve", "b": "approve", "c": "reject"}

    for threshold in THRESHOLDS:
        assert why(agreed, "abc", 1, threshold=threshold) == ""
        assert why(dict.fromkeys("abc", "reject"), "abc", 2, threshold=threshold) == ""
    assert why(close, "abc", 0) == ""
    assert why(close, "abc", 1) == "1 voter that it does not name could have turned it"


def test_its_authors_approval_alone_passes_nothing():
    """Where the others are silent; with one of them it does, and against it everybody counts."""
    assert why({"a": "approve"}, "ab", 0, author="a") == "nobody but its author approves"
    assert why({"a": "approve", "b": ABSTAIN}, "ab", 0, author="a") == "nobody but its author approves"
    assert why({"a": "approve", "b": "approve"}, "ab", 0, author="a") == ""
    assert why({"b": "approve"}, "ab", 0, author="a") == ""
    assert why({"a": "reject"}, "ab", 0, author="a") == ""


def test_all_that_may_vote_are_asked_persons_among_them_but_the_author_as_one_likes():
    """Who has no authority, or whose keys were withdrawn, is nobody to ask."""
    here = members("a", "b", "c") | {"low": member("low", "suggestion"), "twin": member("twin", clash=True)}
    key = Key(1)
    persons = {
        "ana": person("ana", key),
        "ben": person("ben", former=(key,)),
        "cy": person("cy", key, authority="suggestion"),
    }

    assert reach.left_out(proposal("a"), here, NOBODY, "b") == ["c"]
    assert reach.left_out(proposal("a", "b", "c"), here, persons, "b") == [PERSON + "ana"]
    assert reach.left_out(proposal("a", "c", persons=["ana"]), here, persons, "b") == []
