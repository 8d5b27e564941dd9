"""What the messages of a thread come to, in whatever order they arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.hmmm import rules
from tests.unit.hmmm.threads import closing, line, thread

P = line("ada", "proposal", "p", 0)
O1 = line("bob", "objection", "o", 10, "p")


def state(*lines):
    return rules.judge(thread(P, *lines), P).state


def test_a_proposal_is_open_objected_agreed_and_reopened():
    """The life of a proposal: an objection holds it up, its author's agreement settles it, a late one reopens it."""
    settled = line("bob", "agreement", "g", 20, "o")
    closed = closing(P, 60, "bob", "cem", known=(O1,))
    late = line("cem", "objection", "late", 15, "p")
    again = closing(P, 100, "bob", known=(O1, late), id_="again")

    assert state() == "open"
    assert state(O1) == "objected"
    assert state(O1, settled) == "open"
    assert state(O1, settled, closed) == "agreed"
    assert state(O1, settled, closed, late) == "reopened"
    assert state(O1, settled, closed, late, line("cem", "agreement", "w", 70, "late")) == "reopened"
    assert state(O1, settled, closed, late, line("cem", "agreement", "w", 70, "late"), again) == "agreed"


def test_only_the_objector_settles_its_objection():
    """The proposer's or a third one's agreement leaves it standing; so does one said before it."""
    assert state(O1, line("ada", "agreement", "g", 20, "o")) == "objected"
    assert state(O1, line("cem", "agreement", "g", 20, "p")) == "objected"
    assert state(line("bob", "agreement", "g", 5, "p"), O1) == "objected"
    assert state(O1, line("bob", "agreement", "g", 20, "p")) == "open"


def test_silence_counts_only_of_another_that_holds_it_after_the_time():
    """A closing that comes early, names nobody else, or is another's, closes nothing."""
    assert state(closing(P, 29, "bob")) == "open"
    assert state(closing(P, 31, "ada")) == "open"
    assert state(line("bob", "update", "c", 31, "p", intent="closing", holders=["cem"])) == "open"
    assert state(closing(P, 31, "bob")) == "agreed"


def test_an_objection_to_what_is_not_seen_yet_stands_against_all():
    """One whose proposal has not arrived is not lost; it is told apart when that one comes."""
    other = line("ada", "proposal", "q", 1)
    against_q = line("bob", "objection", "o", 10, "q")
    closed = closing(P, 60, "bob")

    assert rules.judge(thread(P, against_q, closed), P).state == "reopened"
    assert rules.judge(thread(P, other, against_q, closed), P).state == "agreed"
    assert rules.judge(thread(P, other, against_q), other).state == "objected"


def test_a_new_proposal_of_the_same_author_below_replaces_the_old():
    """An objection answered by another plan; an agreed one stays agreed."""
    new = line("ada", "proposal", "p2", 20, "o")

    assert state(O1, new) == "replaced"
    assert rules.judge(thread(P, O1, new), new).state == "open"
    assert state(closing(P, 31, "bob"), line("ada", "proposal", "p2", 40, "p")) == "agreed"


def test_who_may_be_named_as_silent():
    """Only the proposer closes, after the time since the last word against it, naming those that hold it."""
    proposal = rules.judge(thread(P), P)

    assert rules.may_close(proposal, "ada", {"bob", "ada"}, 29_000) == []
    assert rules.may_close(proposal, "bob", {"bob", "ada"}, 31_000) == []
    assert rules.may_close(proposal, "ada", {"ada"}, 31_000) == []
    assert rules.may_close(proposal, "ada", {"bob", "ada", "cem"}, 31_000) == ["bob", "cem"]
    settled = rules.judge(thread(P, O1, line("bob", "agreement", "g", 20, "o")), P)
    assert rules.may_close(settled, "ada", {"bob", "cem"}, 49_000) == []
    assert rules.may_close(settled, "ada", {"bob", "cem"}, 50_000) == ["bob", "cem"]


def test_circles_and_orphans_are_shown_once_each():
    """Messages that answer each other, themselves or nothing do no harm."""
    a, b = line("x", "discussion", "a", 1, "b"), line("y", "discussion", "b", 2, "a")
    self_, orphan = line("x", "discussion", "s", 3, "s"), line("y", "discussion", "late", 4, "gone")
    made = thread(a, b, self_, orphan)

    assert sorted(one.said.msg_id for _, one in made.tree()) == ["a", "b", "late", "s"]
    assert [up.said.msg_id for up in made.above(a)] == ["b"]


TYPES = st.sampled_from(["proposal", "objection", "agreement", "discussion", "update", "question", "answer"])


@st.composite
def histories(draw):
    """Any lines at all: they answer each other at random, closings among them."""
    found = []
    for n in range(draw(st.integers(1, 12))):
        parent = draw(st.none() | st.sampled_from([f"m{i}" for i in range(12)]))
        type_, author = draw(TYPES), draw(st.sampled_from(["ada", "bob", "cem"]))
        known = [one.hash for one in found if one.said.type == "objection" and draw(st.booleans())]
        extra = {"intent": "closing", "holders": ["bob", "cem"], "objections": known} if type_ == "update" else {}
        found.append(line(author, type_, f"m{n}", draw(st.integers(0, 100)), parent, **extra))
    return found


@given(histories(), st.randoms(use_true_random=False))
def test_every_order_of_arrival_gives_the_same(lines, random):
    """Tree, states and consensus are functions of the set of messages."""
    shuffled = list(lines)
    random.shuffle(shuffled)
    one, other = thread(*lines), thread(*shuffled)

    assert [(d, line.hash) for d, line in one.tree()] == [(d, line.hash) for d, line in other.tree()]
    assert [(p.line.hash, p.state) for p in rules.proposals(one)] == [
        (p.line.hash, p.state) for p in rules.proposals(other)
    ]
    assert len(one.tree()) == len(one.lines)


@given(histories(), histories())
def test_an_objection_that_was_not_known_is_never_shown_as_agreed(lines, more):
    """Whatever arrives besides: agreed means that every objection to it is settled and was known to its closing."""
    made = thread(*lines, *(one for one in more))
    for proposal in rules.proposals(made):
        if proposal.state == "agreed":
            known = set(proposal.closing.said.objections)
            assert not proposal.standing
            assert all(one.hash in known for one in proposal.objections)
