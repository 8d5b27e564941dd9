"""Which votes count, what they add up to, what a closing proves."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.decisions import rules
from chorus_tui.engine.decisions.facts import Stated
from chorus_tui.engine.protocol.messages.decisions import ABSTAIN, DecisionProposal
from tests.unit.decisions.cases import DEADLINE, by_hash, closing, epoch, member, members, proposal, vote

NAMES = ("a", "b", "c", "d", "e")
CHOICES = st.lists(st.sampled_from(["approve", "reject", ABSTAIN]), max_size=9)


def outcome(choices, eligible=5, **fields):
    named = [f"m{n}" for n in range(eligible)]
    return rules.tally(proposal(*named, **fields), choices).outcome


# ── adding up ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("threshold", "votes", "wanted"), [
    ("majority", "aar", "passed"), ("majority", "aarr", "rejected"), ("majority", "arr", "rejected"),
    ("two_thirds", "aar", "passed"), ("two_thirds", "aarr-", "rejected"), ("two_thirds", "aaaar", "passed"),
    ("unanimous", "aaa--", "passed"), ("unanimous", "aaaar", "rejected"), ("majority", "---", "rejected"),
    ("majority", "aa", "no_quorum"), ("majority", "a--", "passed"),
])  # fmt: skip
def test_thresholds_are_exact_and_half_is_no_majority(threshold, votes, wanted):
    """Of the votes that are no abstentions; a tie, and nothing but abstentions, are not passed; five are eligible."""
    choices = [{"a": "approve", "r": "reject", "-": ABSTAIN}[one] for one in votes]

    assert outcome(choices, threshold=threshold) == wanted


@given(st.integers(1, 128), st.integers(0, 128), st.integers(0, 40), st.integers(1, 40))
def test_the_quorum_is_an_exact_fraction_of_those_eligible(eligible, cast, above, below):
    """Met by exactly so many votes as are needed, abstentions among them; no float decides."""
    above, cast = min(above, below), min(cast, eligible)
    told = rules.tally(proposal(*(f"m{n}" for n in range(eligible)), quorum=f"{above}/{below}"), ["approve"] * cast)

    assert (told.outcome != "no_quorum") == (cast * below >= above * eligible)
    assert (cast >= told.needed) == (told.outcome != "no_quorum")


@given(CHOICES, st.sampled_from(["majority", "two_thirds", "unanimous"]))
def test_abstentions_never_change_which_side_wins(choices, threshold):
    """They count for the quorum alone."""
    fields = {"threshold": threshold, "quorum": "0/1"}

    assert outcome(choices, 20, **fields) == outcome([*choices, ABSTAIN, ABSTAIN], 20, **fields)


@given(st.permutations(["approve", "approve", "reject", ABSTAIN, "approve"]))
def test_the_order_of_votes_changes_nothing(choices):
    """A tally is a function of the set."""
    assert rules.tally(proposal(*NAMES), choices) == rules.tally(proposal(*NAMES), sorted(choices))


def test_of_own_options_the_one_above_the_threshold_is_chosen():
    """Whichever it is; two that lead together choose none."""
    options = {"options": ["postgres", "sqlite", "files"], "quorum": "1/2"}
    won = rules.tally(proposal(*NAMES, **options), ["sqlite", "sqlite", "sqlite", "files"])
    half = rules.tally(proposal(*NAMES, **options), ["sqlite", "sqlite", "files", "postgres"])
    tied = rules.tally(proposal(*NAMES, **options), ["sqlite", "sqlite", "files", "files"])

    assert (won.outcome, won.chosen, won.share) == ("passed", "sqlite", Fraction(3, 4))
    assert (half.outcome, half.chosen, half.share) == ("rejected", "sqlite", Fraction(1, 2))
    assert (tied.outcome, tied.chosen) == ("rejected", "")


@pytest.mark.parametrize("wrong", [
    {"quorum": "1/0"}, {"quorum": "3/2"}, {"quorum": "0.5"}, {"options": ["only", ABSTAIN]}, {"options": ["x", "x", "y"]},
    {"eligible": ["a", "a"]}, {"eligible": []}, {"title": ""}, {"sealed": "x"}, {"to_roles": ["dev"]}, {"deadline": -1},
    {"title": "", "to_roles": ["dev"]},
])  # fmt: skip
def test_a_proposal_that_makes_no_sense_is_none(wrong):
    """Refused as a message: by every peer alike."""
    good = {
        "proposal_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "mesh_id": "5e" * 32,
        "title": "t",
        "deadline": 1,
        "eligible": ["a"],
    }
    DecisionProposal.model_validate(good)

    with pytest.raises(ValueError):
        DecisionProposal.model_validate({**good, **wrong})


# ── whose votes count ──────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.permutations([0, 1, 2, 3]))
def test_the_last_vote_of_a_member_counts_in_whatever_order_they_came(order):
    """One a member, the one of the highest revision, also across restarts."""
    votes = [vote("b", f"{'approve' if n == 3 else 'reject'}", seq=n, n=9 - n) for n in order]

    assert rules.standing(proposal(*NAMES), votes, members(*NAMES))["b"].message.choice == "approve"


@pytest.mark.parametrize(("who", "fields", "roster", "why"), [
    ("z", {}, {}, "the proposal does not name this member"),
    ("b", {}, {"b": None}, "no member of the mesh"),
    ("b", {}, {"b": member("b", "suggestion")}, "no authority to vote (suggestion)"),
    ("b", {}, {"b": member("b", clash=True)}, "no authority to vote (its name is another member's)"),
    ("b", {"choice": "perhaps"}, {}, "not one of the options"),
    ("b", {"mesh_id": "ab" * 32}, {}, "said of another proposal or in another mesh"),
    ("b", {"proposal": "ab" * 32}, {}, "said of another proposal or in another mesh"),
    ("b", {"on_behalf_of": "Ana"}, {}, "an agent that speaks as a person"),
])  # fmt: skip
def test_what_counts_for_nothing_is_told_with_why(who, fields, roster, why):
    """A stranger, a member without authority, a wrong option, another mesh, an agent that says it is a person."""
    known = {name: one for name, one in {**members(*NAMES), **roster}.items() if one is not None}
    said = {"choice": "approve", **fields}
    cast = vote(who, said.pop("choice"), **said)

    assert rules.refusal(proposal(*NAMES), cast, known) == why
    assert rules.standing(proposal(*NAMES), [cast], known) == {}


def test_a_person_may_vote_for_a_person_and_everybody_may_abstain():
    """From an engine that the mesh admitted as a person's; to abstain is always an option."""
    known = members(*NAMES) | {"b": member("b", "decision", "human")}

    assert rules.refusal(proposal(*NAMES), vote("b", "approve", on_behalf_of="Ana"), known) == ""
    assert rules.refusal(proposal(*NAMES, options=["x", "y"]), vote("c", ABSTAIN), known) == ""


@pytest.mark.parametrize(
    ("authority", "why"), [("read_only", "no authority to propose (read_only)"), ("suggestion", "")]
)
def test_a_proposal_needs_authority_too(authority, why):
    """Else nobody closes it."""
    known = members(*NAMES) | {"a": member("a", authority)}

    assert rules.flaw(proposal(*NAMES), known).endswith(why)
    assert rules.due(proposal(*NAMES), [], known, DEADLINE) == (not why)


def test_it_is_due_at_the_deadline_or_when_all_have_voted_for_good():
    """Not a moment before; a member that was barred since keeps it open until the deadline."""
    known = members(*NAMES)
    final = [vote(name, "approve", final=True) for name in NAMES]
    changed = [*final, vote("e", "reject", seq=2)]

    assert not rules.due(proposal(*NAMES), final[:4], known, DEADLINE - 1)
    assert rules.due(proposal(*NAMES), final[:4], known, DEADLINE)
    assert rules.due(proposal(*NAMES), final, known, 0)
    assert not rules.due(proposal(*NAMES), changed, known, 0)
    assert not rules.due(proposal(*NAMES), final, {**known, "e": member("e", "read_only")}, 0)


# ── closing ────────────────────────────────────────────────────────────────────────────────────────────────────────────

VOTES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 2), st.integers(0, 5), st.sampled_from(["approve", "reject", ABSTAIN])),
    max_size=20, unique_by=lambda one: one[:3],
)  # fmt: skip
READ = st.dictionaries(st.sampled_from(NAMES), st.dictionaries(st.integers(0, 2), st.integers(0, 6), max_size=3))


def honestly(votes, read):
    """An honest closing of what was read."""
    far = {name: {epoch(n): next_ for n, next_ in epochs.items()} for name, epochs in read.items()}
    what, known = proposal(*NAMES), members(*NAMES)
    newest = {name: [epoch(2), epoch(1), epoch(0)] for name in NAMES}
    return what, closing(what, rules.stated(what, votes, known, far, newest), known)


@given(VOTES, READ)
def test_an_honest_closing_is_never_flagged(votes, read):
    """Whatever was read and whatever came later: what it had is counted, the rest is late."""
    cast = [vote(by, choice, seq, n=n) for by, n, seq, choice in votes]
    what, closed = honestly(cast, read)
    marks = rules.marks(what, closed, by_hash(cast))

    assert "left_out" not in {mark for mark, _ in marks.values()}
    assert rules.faults(what, closed, by_hash(cast)) == []
    for one in cast:
        had = one.seq < read.get(one.author, {}).get(int(one.epoch, 16), 0)
        assert (marks[one.hash][0] in ("counted", "replaced")) or not had
        assert marks[one.hash][0] != "counted" or had


@given(VOTES, READ, st.data())
def test_a_vote_that_is_left_out_is_flagged_whichever_it_is(votes, read, data):
    """By everybody who holds it, from the admin's own words; nothing else is."""
    cast = [vote(by, choice, seq, n=n) for by, n, seq, choice in votes]
    what, closed = honestly(cast, read)
    counted = [name for name, stated in closed.members.items() if stated.vote]
    if not counted:
        return
    victim = data.draw(st.sampled_from(counted))
    lost = closed.members[victim].vote
    lied = closing(
        what, {**closed.members, victim: closed.members[victim].model_copy(update={"vote": None})}, closed.roster
    )
    marks = rules.marks(what, lied, by_hash(cast))

    assert [hash_ for hash_, (mark, _) in marks.items() if mark == "left_out"] == [lost.hash]


def test_an_older_vote_counted_in_place_of_a_held_newer_one_is_flagged():
    """To count is not enough: the last one that was held has to."""
    cast = [vote("b", "approve", 1), vote("b", "reject", 2)]
    what, known = proposal(*NAMES), members(*NAMES)
    older = rules.stated(what, cast[:1], known, {"b": {epoch(0): 3}}, {})
    marks = rules.marks(what, closing(what, older, known), by_hash(cast))

    assert [marks[one.hash][0] for one in cast] == ["counted", "left_out"]


@given(VOTES, st.permutations(range(20)))
def test_the_outcome_is_the_same_for_all_and_waits_for_what_is_missing(votes, order):
    """It needs the votes that were counted and no others; while one of them is missing there is none."""
    cast = [vote(by, choice, seq, n=n) for by, n, seq, choice in votes]
    what, closed = honestly(cast, {name: {0: 6, 1: 6, 2: 6} for name in NAMES})
    named = {stated.vote.hash for stated in closed.members.values() if stated.vote}
    needed = {one.hash: one for one in cast if one.hash in named}
    by = {one.hash: one.author for one in cast}
    all_, few = rules.counted(what, closed, by_hash(cast), ()), rules.counted(what, closed, needed, ())

    assert all_ == few
    for hash_ in needed:
        without = {key: one for key, one in needed.items() if key != hash_}
        assert rules.counted(what, closed, without, ()) is None
        assert rules.counted(what, closed, without, {by[hash_]}) == all_


def test_what_an_admin_counts_against_the_rules_does_not_count_and_is_told():
    """A vote of a member without authority, one in another's name, and an early closing."""
    cast = [vote("b", "approve"), vote("c", "approve")]
    what, known = proposal(*NAMES), members(*NAMES)
    stated = rules.stated(what, cast, known, {"b": {epoch(0): 2}, "c": {epoch(0): 2}}, {})
    low = known | {"b": member("b", "suggestion")}
    swapped = {**stated, "d": Stated(vote=stated["c"].vote)}

    assert rules.counted(what, closing(what, stated, low), by_hash(cast), ()) == {"c": "approve"}
    assert "authority" in rules.faults(what, closing(what, stated, low), by_hash(cast))[0]
    assert rules.counted(what, closing(what, swapped, known), by_hash(cast), ()) == {"b": "approve", "c": "approve"}
    assert len(rules.faults(what, closing(what, swapped, known), by_hash(cast))) == 1
    assert "before its deadline" in rules.faults(what, closing(what, stated, known, DEADLINE - 1), by_hash(cast))[-1]


def test_a_member_that_lost_its_authority_before_the_closing_is_not_counted():
    """The members of the closing entry decide, not those of the moment of voting: so all peers decide alike."""
    cast = [vote("b", "approve")]
    now = members(*NAMES) | {"b": member("b", "read_only")}

    assert rules.stated(proposal(*NAMES), cast, now, {"b": {epoch(0): 9}}, {})["b"].vote is None
