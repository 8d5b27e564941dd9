"""What of a patch counts: whatever the order, nobody's own approval, nothing that names another revision."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.patches import rules
from tests.unit.patches.cases import ballot, member, members, review, revision, word

HERE = members("a", "b", "c")


def state(of=None, reviews=(), words=(), vote=None, who=HERE):
    return rules.state(of or revision(), reviews, words, vote, who)


def test_a_patch_goes_its_way():
    """Draft, reviewed, submitted, voted on, applied: each step follows from what was said."""
    patch = revision()
    looked, submitted = review("b", "comment", patch), word("a", "submitted", patch)

    assert state(patch) == "draft"
    assert state(patch, [review("a", "comment", patch)]) == "draft"
    assert state(patch, [looked]) == "in_review"
    assert state(patch, [looked], [submitted]) == "submitted"
    assert state(patch, [looked], [submitted], ballot("open")) == "voting"
    assert state(patch, [looked], [submitted], ballot("passed", "approve", 7)) == "passed"
    assert state(patch, [looked], [submitted], ballot("rejected", "", 7)) == "rejected"
    assert state(patch, [looked], [submitted, word("c", "applied", patch)], ballot("passed", "approve", 7)) == "applied"
    assert state(patch, [looked], [submitted, word("a", "withdrawn", patch)]) == "withdrawn"


def test_nobody_judges_an_own_patch():
    """The author's approval is no approval, and asks for no changes either."""
    patch = revision()
    own = [review("a", "approve", patch, 0), review("a", "changes", patch, 1)]

    assert rules.verdicts(patch, own, HERE) == {}
    assert rules.no_judge("a", patch, member("a", "master"))


def test_a_review_counts_for_the_revision_it_names():
    """Whoever approved the first has not seen the second."""
    first, second = revision(0), revision(1)
    old = review("b", "approve", first)

    assert rules.verdicts(first, [old], HERE) == {"b": old}
    assert rules.verdicts(second, [old], HERE) == {}
    assert state(second, [old], [word("a", "submitted", first), word("c", "applied", first)]) == "draft"


def test_the_last_verdict_counts_and_a_comment_leaves_it():
    """By the reviewer's own count, not by time."""
    patch = revision()
    said = [review("b", "approve", patch, 0), review("b", "changes", patch, 1), review("b", "comment", patch, 2)]

    assert rules.verdicts(patch, said, HERE) == {"b": said[1]}


@pytest.mark.parametrize(
    ("who", "counts"),
    [
        (member("b"), True), (member("b", "suggestion"), False), (member("b", "read_only"), False), (None, False),
        (member("b", clash=True), False),
    ],
)  # fmt: skip
def test_judging_needs_authority(who, counts):
    """As voting does; a stranger's word, and that of one under another's name, are none."""
    patch = revision()

    assert bool(rules.verdicts(patch, [review("b", "approve", patch)], members("a", b=who))) == counts


def test_an_agent_speaks_for_no_person():
    """Its patch is void, its review unheard, its word idle."""
    patch = revision()

    assert state(revision(on_behalf_of="ana")) == "void"
    assert rules.unheard(review("b", "approve", patch, on_behalf_of="ana"), patch, member("b"))
    assert rules.idle(word("a", "submitted", patch, on_behalf_of="ana"), patch, member("a"))
    assert not rules.unheard(review("b", "approve", patch, on_behalf_of="ana"), patch, member("b", kind="human"))


def test_who_may_submit_and_withdraw():
    """Its author, and members that may decide for others."""
    patch = revision()
    for other, state_ in (("c", "draft"), ("d", "submitted")):
        who = members("a", "b", "c", d=member("d", "decision"))
        assert state(patch, [], [word(other, "submitted", patch)], None, who) == state_
    who = members("a", "c", d=member("d", "decision"))
    assert state(patch, [], [word("c", "withdrawn", patch)], None, who) == "draft"
    assert state(patch, [], [word("d", "withdrawn", patch)], None, who) == "withdrawn"


def test_what_was_not_submitted_is_not_applied():
    """Unless the mesh has passed it; and what was applied stays applied, also after a vote against it."""
    patch, applied = revision(), word("c", "applied", revision())

    assert state(patch, [], [applied]) == "draft"
    assert state(patch, [], [applied], ballot("passed", "approve", 3)) == "applied"
    assert state(patch, [], [applied, word("a", "submitted", patch)], ballot("rejected", "", 3)) == "applied"


def test_the_first_decision_that_the_mesh_closed_counts():
    """Whichever others are held afterwards; one without a quorum, withdrawn or void decides nothing."""
    passed, rejected = ballot("passed", "approve", 5, "1"), ballot("rejected", "", 9, "2")
    none = [ballot(state, "", 2, state) for state in ("no_quorum", "withdrawn", "void", "lapsed")]

    assert rules.ballot_of([rejected, passed, *none]) == passed
    assert rules.ballot_of([*none, ballot("open", id_="3"), rejected]) == rejected
    assert rules.ballot_of(none) is None


def test_a_decision_of_a_few_is_none():
    """Whoever asked only itself neither passes nor kills a patch, nor keeps another vote from being held."""
    few = [
        ballot("passed", "approve", 2, "1", why="few"),
        ballot("rejected", "", 3, "2", why="few"),
        ballot("open", id_="0", why="few"),
    ]
    whole = ballot("rejected", "", 9, "3")

    assert rules.ballot_of(few) is None
    assert rules.ballot_of([*few, whole]) == whole


def test_another_option_than_approve_passes_nothing():
    """A vote whose options are others may be passed, but not the patch."""
    assert state(revision(), [], [word("a", "submitted", revision())], ballot("passed", "later", 4)) == "rejected"


def everything():
    first, second = revision(0), revision(1)
    return [
        *(review(by, verdict, of, n) for by in "abc" for of in (first, second) for n, verdict in enumerate(("approve", "changes"))),
        *(word(by, act, of) for by in "ab" for of in (first, second) for act in ("submitted", "withdrawn", "applied")),
    ]  # fmt: skip


@given(st.permutations(everything()), st.sets(st.integers(0, 20)))
def test_the_order_in_which_things_are_heard_changes_nothing(said, left_out):
    """State and verdicts are functions of the set of what was said."""
    said = [one for n, one in enumerate(said) if n not in left_out]
    in_order = sorted(said, key=lambda one: one.hash)
    for of in (revision(0), revision(1)):
        found = []
        for facts in (said, in_order):
            reviews = [one for one in facts if hasattr(one.message, "verdict")]
            words = [one for one in facts if hasattr(one.message, "state")]
            found.append((state(of, reviews, words), rules.verdicts(of, reviews, HERE)))
        assert found[0] == found[1]
        assert "a" not in found[0][1]
