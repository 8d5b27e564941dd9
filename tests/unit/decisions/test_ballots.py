"""Votes that persons sign: each counts once, as what was signed, whoever brings it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract import signed_vote
from chorus_tui.engine.decisions import ballots, rules
from chorus_tui.engine.decisions.facts import Ballot, CountedVote
from chorus_tui.engine.decisions.record import record
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.messages.decisions import ABSTAIN
from chorus_tui.engine.protocol.said import Said
from tests.support.ssh_signing import Key
from tests.unit.decisions.cases import (
    DEADLINE,
    ID,
    by_hash,
    closing,
    epoch,
    members,
    person,
    proposal,
    signed,
    vote,
)

PEERS = ("a", "b", "c")
OUTSIDE = "z"
"""A member that has no vote of its own."""
ANA, BEN, OLD, EVE = Key(1), Key(2), Key(3), Key(4)
ENROLLED = {"ana": person("ana", ANA, former=(OLD,)), "ben": person("ben", BEN)}
WHAT = proposal(*PEERS, persons=["ana", "ben"])
KEYS = {"ana": ANA, "ben": BEN}

SIGNED = st.lists(
    st.tuples(st.sampled_from(["ana", "ben"]), st.sampled_from(["approve", "reject", ABSTAIN]), st.integers(0, 3),
              st.sampled_from([*PEERS, OUTSIDE]), st.integers(0, 2), st.integers(0, 5)),
    max_size=14, unique_by=lambda one: one[3:],
)  # fmt: skip
OWN = st.dictionaries(st.sampled_from(PEERS), st.sampled_from(["approve", "reject", ABSTAIN]))
READ = st.dictionaries(
    st.sampled_from([*PEERS, OUTSIDE]), st.dictionaries(st.integers(0, 3), st.integers(0, 6), max_size=4)
)
ALL = {name: dict.fromkeys(range(4), 9) for name in (*PEERS, OUTSIDE)}


def cast(persons, own):
    """What stands in the feeds: persons' votes in epochs 0 to 2, and the peers' own in epoch 3."""
    found = [
        signed(who, KEYS[who], choice, revision, of=WHAT, by=by, n=n, seq=seq)
        for who, choice, revision, by, n, seq in persons
    ]
    return found + [vote(by, choice, n=3, of=WHAT) for by, choice in own.items()]


def honestly(votes, read=ALL, enrolled=ENROLLED, what=WHAT, at_ms=DEADLINE):
    """As an admin closes it that has read so far, and enrolled persons are these."""
    far = {name: {epoch(n): next_ for n, next_ in epochs.items()} for name, epochs in read.items()}
    known = members(*PEERS)
    told = rules.stated(what, votes, known, far, {name: [epoch(n) for n in range(4)] for name in far}, enrolled)
    persons = rules.stated_persons(what, votes, known, far, enrolled)
    return closing(what, told, known, at_ms, persons=persons, enrolled=enrolled)


def choices(closed, votes, untold=()):
    return rules.counted(WHAT, closed, by_hash(votes), untold)


# ── once, and as it was signed ─────────────────────────────────────────────────────────────────────────────────────────


@given(SIGNED, OWN)
def test_a_person_counts_once_whoever_brings_it_and_every_peer_for_itself(persons, own):
    """However often it was said, in however many feeds: as many votes as there are voters who voted. The one with the highest
    number is the person's; a peer's own vote stands beside those it brings."""
    votes = cast(persons, own)
    found = choices(honestly(votes), votes)

    assert set(found) == {f"person:{one[0]}" for one in persons} | set(own)
    assert {who: found[who] for who in own} == own
    for name in KEYS:
        mine = [one for one in persons if one[0] == name]
        last = max((one[2] for one in mine), default=None)
        assert not mine or found[f"person:{name}"] in {one[1] for one in mine if one[2] == last}
    assert rules.tally(WHAT, found.values()).eligible == len(PEERS) + 2


@given(SIGNED, OWN, st.randoms())
def test_in_whatever_order_they_came(persons, own, chance):
    """The same closing, the same choices, the same marks, the same record."""
    votes = cast(persons, own)
    other = list(votes)
    chance.shuffle(other)
    one, two = honestly(votes), honestly(other)

    assert one == two
    assert rules.marks(WHAT, one, by_hash(votes)) == rules.marks(WHAT, two, by_hash(other))
    assert rules.standing(WHAT, votes, members(*PEERS), ENROLLED) == rules.standing(
        WHAT, other, members(*PEERS), ENROLLED
    )


@given(st.permutations([0, 1, 2]), st.permutations(PEERS))
def test_who_brings_an_older_vote_again_changes_nothing(order, peers):
    """In a newer epoch, in another feed, later: the number that was signed says which is the last."""
    votes = [
        signed("ana", ANA, "approve" if revision == 2 else "reject", revision, of=WHAT, by=by, n=n, seq=n)
        for n, (revision, by) in enumerate(zip(order, peers, strict=True))
    ]

    assert choices(honestly(votes), votes) == {"person:ana": "approve"}


@given(st.data())
def test_what_was_signed_for_something_else_counts_for_nothing(data):
    """Another proposal, mesh, choice, number, reason or person, a last word made of one that was not, another purpose: none of it
    can be made of a signature that was given."""
    other = proposal(*PEERS, author="b", persons=["ana", "ben"])
    elsewhere = proposal(*PEERS, persons=["ana", "ben"], mesh_id="ab" * 32)
    handled = proposal(*PEERS, persons=["ana", "ben"], proposal_id=ID[:-1] + "W")
    good = signed("ana", ANA, "approve", 1, of=WHAT, reason="cheap")
    ballot, text = Ballot.of(good.message), Ballot.of(good.message).text(WHAT)
    assert ballots.refusal(WHAT, ballot, ENROLLED) == ""
    assert text == canonical.encode(json.loads(text)).decode()

    for proposed in (other, elsewhere, handled):
        assert "something else" in ballots.refusal(proposed, ballot, ENROLLED)
    changed = data.draw(st.sampled_from([
        {"choice": "reject"}, {"choice": ABSTAIN}, {"revision": data.draw(st.sampled_from([0, 2, 1_000_000]))}, {"final": True},
        {"reason": signed_vote.reason_hash(data.draw(st.text().filter(lambda text: text != "cheap")))}, {"person": "ben"},
    ]))  # fmt: skip
    assert "something else" in ballots.refusal(WHAT, ballot._replace(**changed), ENROLLED)
    assert "another purpose" in ballots.refusal(WHAT, ballot._replace(signature=ANA.sign(text, "file")), ENROLLED)


@given(SIGNED, OWN)
def test_a_vote_brought_to_another_proposal_is_void_there(persons, own):
    """It may even name the other proposal in its feed entry."""
    other = proposal(*PEERS, author="b", persons=["ana", "ben"])
    there = [
        Said(
            one.author,
            one.epoch,
            one.seq,
            one.hash,
            one.at_ms,
            type(one.message).model_validate({**one.message.model_dump(), "proposal": other.hash}),
        )
        for one in cast(persons, own)
    ]

    assert set(rules.standing(other, there, members(*PEERS), ENROLLED)) == set(own)


@pytest.mark.parametrize(("made", "why"), [
    (signed("ana", OLD, "approve", of=WHAT), "signed with a key that was withdrawn"),
    (signed("ana", EVE, "approve", of=WHAT), "signed with a key that is not ana's"),
    (signed("ana", BEN, "approve", of=WHAT), "signed with a key that is not ana's"),
    (signed("eve", EVE, "approve", of=WHAT), "the proposal does not name this person"),
    (signed("ana", ANA, "perhaps", of=WHAT), "not one of the options"),
    (signed("ana", ANA, "approve", of=WHAT, lies={"choice": "reject"}), "its signature is not of this vote: something else was signed"),
    (signed("ana", ANA, "approve", of=WHAT, lies={"reasoning": "because"}), "its signature is not of this vote: something else was signed"),
    (signed("ana", ANA, "approve", of=WHAT, lies={"signature": "AAAA"}), "its signature is not of the form that is taken"),
    (signed("ana", ANA, "approve", of=WHAT, lies={"mesh_id": "ab" * 32}), "said of another proposal or in another mesh"),
])  # fmt: skip
def test_what_counts_for_nothing_is_told_with_why(made, why):
    """Never silently: the reason is shown with the vote."""
    closed = honestly([made])

    assert rules.refusal(WHAT, made, members(*PEERS), ENROLLED) == why
    assert rules.marks(WHAT, closed, by_hash([made])) == {made.hash: ("void", why)}
    assert choices(closed, [made]) == {}


def test_who_is_withdrawn_or_may_not_vote_has_no_vote():
    """Whatever they signed while they could."""
    made = signed("ana", ANA, "approve", of=WHAT)
    gone = {"ana": person("ana", former=(ANA,))}
    low = {"ana": person("ana", ANA, authority="suggestion")}

    assert rules.refusal(WHAT, made, {}, gone) == "signed with a key that was withdrawn"
    assert rules.refusal(WHAT, made, {}, {}) == "this person is not enrolled"
    assert rules.refusal(WHAT, made, {}, low) == "no authority to vote (suggestion)"


@given(SIGNED, OWN, st.booleans())
def test_a_key_that_is_withdrawn_counts_until_then_and_no_further(persons, own, again):
    """Withdrawn before the closing, none of its votes counts, however early they were cast; withdrawn after it, they stay. A new
    key is the person's as the old one was."""
    votes = cast(persons, own)
    newer = signed("ana", EVE, "abstain", 9, of=WHAT, n=0, seq=8)
    withdrawn = {**ENROLLED, "ana": person("ana", *([EVE] if again else []), former=(ANA,))}
    before, after = choices(honestly([*votes, newer], enrolled=withdrawn), votes), choices(honestly(votes), votes)

    assert before.get("person:ana") == ("abstain" if again else None)
    assert ("person:ana" in after) == any(one[0] == "ana" for one in persons)


def test_a_signed_vote_needs_no_right_of_who_brings_it_and_gives_it_none():
    """A member without a vote may bring it; with no vote of its own it has none by that."""
    made = signed("ana", ANA, "approve", of=WHAT, by=OUTSIDE)

    assert choices(honestly([made]), [made]) == {"person:ana": "approve"}


# ── closing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(SIGNED, OWN, READ)
def test_an_honest_closing_is_never_flagged(persons, own, read):
    """Whatever was read and whatever came later: what it had is counted or replaced, the rest is late."""
    votes = cast(persons, own)
    closed = honestly(votes, read)
    marks = rules.marks(WHAT, closed, by_hash(votes))

    assert "left_out" not in {mark for mark, _ in marks.values()}
    assert "void" not in {mark for mark, _ in marks.values()}
    assert rules.faults(WHAT, closed, by_hash(votes)) == []
    for one in votes:
        had = one.seq < read.get(one.author, {}).get(int(one.epoch, 16), 0)
        assert (marks[one.hash][0] in ("counted", "replaced")) or not had
        assert marks[one.hash][0] != "counted" or had


@given(SIGNED, OWN)
def test_a_persons_vote_that_is_left_out_is_flagged(persons, own):
    """Also when it stands in the feed of a member that has no vote: the admin states how far it had read there."""
    votes = cast(persons, own)
    closed = honestly(votes)
    if "ana" not in closed.persons:
        return
    lied = closing(
        WHAT,
        closed.members,
        closed.roster,
        persons={k: v for k, v in closed.persons.items() if k != "ana"},
        enrolled=ENROLLED,
    )
    marks = rules.marks(WHAT, lied, by_hash(votes))

    assert [hash_ for hash_, (mark, _) in marks.items() if mark == "left_out"] == [closed.persons["ana"].vote.hash]


def test_an_older_vote_counted_in_place_of_a_held_newer_one_is_flagged():
    """Also when the admin names the newer entry with the older signature."""
    votes = [signed("ana", ANA, "approve", 0, of=WHAT, seq=1), signed("ana", ANA, "reject", 1, of=WHAT, seq=2)]
    older, newer = honestly(votes[:1]).persons["ana"], honestly(votes)
    for told in (older, older.model_copy(update={"vote": CountedVote(*newer.persons["ana"].vote[:3], "approve")})):
        lied = closing(WHAT, newer.members, newer.roster, persons={"ana": told}, enrolled=ENROLLED)

        assert rules.marks(WHAT, lied, by_hash(votes))[votes[1].hash][0] == "left_out"


@given(SIGNED, OWN, st.data())
def test_an_admin_that_changes_what_was_signed_counts_nothing_and_is_told(persons, own, data):
    """A person's choice is theirs, whatever the closing entry says."""
    votes = cast(persons, own)
    closed = honestly(votes)
    if not closed.persons:
        return
    name = data.draw(st.sampled_from(sorted(closed.persons)))
    told = closed.persons[name]
    other = data.draw(st.sampled_from([one for one in ("approve", "reject", ABSTAIN) if one != told.vote.choice]))
    lied = closing(
        WHAT, closed.members, closed.roster, enrolled=ENROLLED,
        persons={**closed.persons, name: told.model_copy(update={"vote": told.vote._replace(choice=other)})},
    )  # fmt: skip

    assert f"person:{name}" not in choices(lied, votes)
    assert any(name in fault for fault in rules.faults(WHAT, lied, by_hash(votes)))


def test_an_admin_cannot_count_a_persons_vote_as_that_of_who_brings_it():
    """Nor beside the person's: it is no vote of that peer."""
    made = signed("ana", ANA, "approve", of=WHAT, by="b")
    closed = honestly([made])
    told = closed.persons["ana"].vote
    lied = closing(
        WHAT, {**closed.members, "b": closed.members["b"].model_copy(update={"vote": told})}, closed.roster, persons=closed.persons,
        enrolled=ENROLLED,
    )  # fmt: skip

    assert choices(lied, [made]) == {"person:ana": "approve"}
    assert rules.faults(WHAT, lied, by_hash([made])) == ["it counts a vote that counts for nothing: it is another's"]


@given(SIGNED, OWN)
def test_what_a_closing_counts_of_persons_is_checked_without_their_entries(persons, own):
    """The signature is in the control log: an erased text, a feed that is not here, a forked one change no outcome and no record."""
    votes = cast(persons, own)
    closed = honestly(votes)
    few = [one for one in votes if not ballots.voter(one).startswith("person:")]
    all_, without = choices(closed, votes), choices(closed, few)

    assert all_ == without
    assert record(WHAT, closed, all_, rules.tally(WHAT, all_.values())) == record(
        WHAT, closed, without, rules.tally(WHAT, without.values())
    )


def test_an_admin_of_an_older_version_counts_no_signed_votes_and_is_not_blamed():
    """Its closing says nothing of persons; their votes are shown as late, with why."""
    made = signed("ana", ANA, "approve", of=WHAT)
    closed = closing(WHAT, honestly([made]).members, members(*PEERS), enrolled=ENROLLED)

    assert rules.marks(WHAT, closed, by_hash([made])) == {
        made.hash: ("late", "the admin that closed it counts no signed votes")
    }


def test_it_is_due_early_only_when_persons_too_have_voted_for_good():
    """They are eligible as members are."""
    own = [vote(name, "approve", final=True, of=WHAT) for name in PEERS]
    both = [signed(name, key, "approve", of=WHAT, final=True, seq=n) for n, (name, key) in enumerate(KEYS.items())]
    known = members(*PEERS)

    assert not rules.due(WHAT, [*own, both[0]], known, 0, ENROLLED)
    assert rules.due(WHAT, [*own, *both], known, 0, ENROLLED)
    early = honestly([*own, both[0]], at_ms=DEADLINE - 1)
    assert "before its deadline" in rules.faults(WHAT, early, by_hash([*own, both[0]]))[-1]
    assert rules.faults(WHAT, honestly([*own, *both], at_ms=DEADLINE - 1), by_hash([*own, *both])) == []
