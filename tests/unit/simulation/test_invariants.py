"""Each invariant is told what contradicts it, and names itself; what agrees with it passes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.simulation.invariants import INVARIANTS, Invariants

KEY = ("author", "e" * 32, 3)


@pytest.fixture
def told():
    return []


@pytest.fixture
def invariants(told):
    return Invariants(lambda name, _text: told.append(name))


def entry(index, *, term=1, hash_="", type_="note", task_id=None, admin="a"):
    data = {"task_id": task_id} if task_id else {}
    return ControlEntry("m", term, index, "0", type_, data, None, admin, b"", "", hash_ or f"h{index}")


def test_names_are_all_explained():
    """Every name that can break has a meaning for people."""
    assert all(len(meaning) > 10 for meaning in INVARIANTS.values())


def test_one_admin_in_a_term(invariants, told):
    """E1: another admin in the same term; not in another term or mesh."""
    invariants.leads("m", 1, "a")
    invariants.leads("m", 2, "b")
    invariants.leads("other", 1, "b")
    assert told == []
    invariants.leads("m", 1, "b")

    assert told == ["E1"]


def test_one_vote_in_a_term(invariants, told):
    """E2: a voter's second vote of a term, wherever it is seen."""
    for vote in ("a", "a", "b"):
        invariants.voted("m", "v", 5, vote)

    assert told == ["E2"]


def test_a_term_never_goes_back(invariants, told):
    """E3: per disk; a new disk begins anew."""
    for disk, term in (("d:0", 4), ("d:0", 5), ("d:1", 1), ("d:0", 4)):
        invariants.on_disk(disk, "m", term)

    assert told == ["E3"]


@pytest.mark.parametrize(("votes", "red"), [("abc", []), ("ab", []), ("a", ["E4"]), ("axy", ["E4"])])
def test_a_minority_elects_nobody(invariants, told, votes, red):
    """E4: only votes of voters count, and more than half of them."""
    invariants.elected("m", 2, ["abc"], votes)

    assert told == red


@pytest.mark.parametrize(
    ("second", "red"),
    [
        (entry(2), []),
        (entry(1, hash_="other"), ["C1"]),
        (entry(2, term=1, admin="b"), ["E1"]),
    ],
)
def test_one_log(invariants, told, second, red):
    """C1: another entry at an index; E1: an entry signed by another admin of the term."""
    invariants.applied("p", entry(1))
    invariants.applied("q", second)

    assert told == red


@pytest.mark.parametrize(("last", "red"), [(2, []), (1, ["C3"]), (3, ["C3"]), (0, ["C3"])])
def test_a_peer_applies_one_after_the_other(invariants, told, last, red):
    """C3: nothing left out and nothing twice, in one life of one peer, whatever others have applied."""
    invariants.in_order("p", entry(3), last)

    assert told == red


def test_the_admin_stays_while_nothing_goes_wrong(invariants, told):
    """E11: the same term at both looks."""
    invariants.stays("m", (3, 3))
    assert told == []
    invariants.stays("m", (3, 4))

    assert told == ["E11"]


def test_terms_in_the_log_rise(invariants, told):
    """E5: an entry of a lower term after one of a higher."""
    invariants.applied("p", entry(1, term=2))
    invariants.applied("p", entry(2, term=1, admin="b"))

    assert told == ["E5"]


def test_nothing_forged(invariants, told):
    """C4: what a fault forged is applied by nobody."""
    invariants.forged.add("h1")
    invariants.applied("p", entry(1))

    assert told == ["C4"]


@pytest.mark.parametrize(
    ("ends", "red"),
    [
        (["task_accepted"], []),
        (["task_accepted", "task_accepted"], ["T1"]),
        (["task_cancelled", "task_accepted"], ["T2"]),
    ],
)
def test_one_end_of_a_task(invariants, told, ends, red):
    """T1, T2: a second accepted result, another end after the first; every peer may apply the same one."""
    for index, type_ in enumerate(ends, 1):
        for peer in ("p", "q"):
            invariants.applied(peer, entry(index, type_=type_, task_id="t"))

    assert sorted(set(told)) == red


def test_an_entry_is_everywhere_once_the_last_disk_has_it(invariants):
    """Only then nobody can be shown wrongly as its holder."""
    assert not invariants.is_everywhere(KEY, frozenset({"p", "q"}))
    invariants.synced("p", "p:0", KEY, "h")
    assert not invariants.is_everywhere(KEY, frozenset({"p", "q"}))
    invariants.synced("q", "q:0", KEY, "h")

    assert invariants.is_everywhere(KEY, frozenset({"p", "q"}))
    assert not invariants.is_everywhere(KEY, frozenset({"p", "q", "r"}))


def test_stored_means_on_disk(invariants, told):
    """F1: told of before it was synced on that very peer."""
    invariants.synced("p", "p:0", KEY, "h")
    invariants.told_as_stored("p", KEY)
    assert told == []
    invariants.told_as_stored("q", KEY)

    assert told == ["F1"]


def test_one_entry_under_a_number(invariants, told):
    """F3: another one on another peer, unless the author forked; another one on the same disk in any case."""
    invariants.synced("p", "p:0", KEY, "h")
    invariants.synced("q", "q:0", KEY, "other")
    assert told == ["F3"]
    invariants.forks(KEY[:2], 3)
    invariants.synced("r", "r:0", KEY, "other")
    assert told == ["F3"]
    invariants.synced("r", "r:0", KEY, "h")

    assert told == ["F3", "F3"]


def test_held_means_on_that_disk(invariants, told):
    """D1: shown as held by a peer on whose disk it never was."""
    invariants.synced("p", "p:0", KEY, "h")
    invariants.shown_as_held("a", KEY, ["p"])
    assert told == []
    invariants.shown_as_held("a", KEY, ["p", "q"])

    assert told == ["D1"]


def test_both_sets_elect_while_voters_change(invariants, told):
    """E4: a majority of the new set alone elects nobody."""
    invariants.elected("m", 2, ["abc", "cde"], "bcd")
    assert told == []
    invariants.elected("m", 3, ["abc", "cde"], "cde")

    assert told == ["E4"]


def test_one_outcome_of_a_vote(invariants, told):
    """V1: another outcome on another peer, or later on the same one; not of another vote."""
    for peer, vote, outcome in (("p", "v", "passed"), ("q", "v", "passed"), ("q", "w", "rejected")):
        invariants.shown(peer, vote, outcome)
    assert told == []
    invariants.shown("p", "v", "rejected")

    assert told == ["V1"]


@pytest.mark.parametrize(
    ("holder", "hash_", "red"),
    [("author", "h", []), ("other", "h", ["V2"]), ("author", "g", ["V2"]), (None, "h", ["V2"])],
)
def test_a_counted_vote_was_cast(invariants, told, holder, hash_, red):
    """V2: a vote that its author never had on its disk, or another entry than it had; members without a vote are none."""
    if holder is not None:
        invariants.synced(holder, f"{holder}:0", KEY, "h")
    voted = {"author": {"vote": [KEY[1], KEY[2], hash_, "approve"]}, "silent": {"vote": None}}
    invariants.applied("p", replace(entry(1, type_="vote_closed"), data={"members": voted}))

    assert told == red
