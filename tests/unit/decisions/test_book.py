"""The book of decisions: what ends a proposal, whatever comes in which order."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract import ucxl
from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.control import requests
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.decisions import rules, views
from chorus_tui.engine.decisions.book import Book
from chorus_tui.engine.decisions.facts import Closing, CountedVote, Stated, Withdrawal, closing_data
from chorus_tui.engine.decisions.outcome import result_of
from chorus_tui.engine.protocol import envelope, messages, topics
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.identity import Identity
from tests.unit.decisions.cases import DEADLINE, ID

WHO = [Identity(SeededEntropy(f"peer {n}").bytes(32)) for n in range(3)]
NAMES = [one.peer_id for one in WHO]
MESH = "5e" * 32


def said(who: Identity, type_: str, data: dict[str, Any], seq: int, epoch: str = "a" * 32) -> Entry:
    body = envelope.make(type_, who.peer_id, data, DEADLINE / 1000)
    return envelope.seal(
        body, topics.COORDINATION, who, epoch=epoch, seq=seq, prev="0" * 64 if seq else None, hlc=f"{DEADLINE}:{seq}:n"
    )


def proposing(who: Identity = WHO[0], **fields: Any) -> Entry:
    data = {"proposal_id": ID, "mesh_id": MESH, "title": "t", "deadline": DEADLINE, "eligible": NAMES, **fields}
    return said(who, "decision_proposal", data, 1)


def voting(who: Identity, about: Entry, choice: str, seq: int = 2, *, final: bool = False) -> Entry:
    data = {
        "proposal_id": ID,
        "proposal": about.hash,
        "mesh_id": MESH,
        "choice": choice,
        "revision": seq,
        "final": final,
    }
    return said(who, "decision_vote", data, seq)


def decided(index: int, type_: str, data: dict[str, Any], request: Any = None, mesh_id: str = MESH) -> ControlEntry:
    return ControlEntry(mesh_id, 1, index, f"{DEADLINE}:0:n", type_, data, request, NAMES[0], b"", "", f"{index}" * 64)


def founding(mesh_id: str = MESH) -> list[ControlEntry]:
    """A mesh of the three, the first its founder."""
    person = {"agent_id": "a", "kind": "agent", "authority": "master"}
    first = {"founder": {**person, "peer_id": NAMES[0]}, "voters": [NAMES[0]], "parameters": {}, "nonce": "n"}
    rest = [{"member": {**person, "peer_id": name, "agent_id": name}} for name in NAMES[1:]]
    added = [decided(n, "member_added", data, mesh_id=mesh_id) for n, data in enumerate(rest, 2)]
    return [decided(1, "mesh_founded", first, mesh_id=mesh_id), *added]


def closing(book: Book, about: Entry, index: int, mesh_id: str = MESH) -> ControlEntry:
    """As an honest admin that has read everything makes it."""
    case = book.cases[about.hash]
    read = {name: {"a" * 32: 99} for name in NAMES}
    told = rules.stated(case.proposal, list(book.votes(case).values()), book.members(MESH), read, {})
    return decided(index, "vote_closed", closing_data(case.proposal, told), mesh_id=mesh_id)


def withdrawing(who: Identity, about: Entry, index: int) -> ControlEntry:
    data = {"proposal_id": ID, "proposal": about.hash, "reason": "no"}
    return decided(index, "vote_withdrawn", data, requests.make(who, MESH, "vote_withdrawn", data, "now"))


def book_of(*facts: Entry | ControlEntry) -> Book:
    book = Book()
    for fact in [*founding(), *facts]:
        if isinstance(fact, Entry):
            message = messages.check(fact.type, fact.data)
            assert message is not None
            book.apply(fact, message)
        else:
            book.decided(fact)
    return book


PROPOSAL = proposing()
VOTES = [voting(WHO[0], PROPOSAL, "approve"), voting(WHO[1], PROPOSAL, "approve"), voting(WHO[2], PROPOSAL, "reject")]
FULL = book_of(PROPOSAL, *VOTES)
CLOSED = book_of(PROPOSAL, *VOTES, closing(FULL, PROPOSAL, 9))
RESULT = result_of(CLOSED.cases[PROPOSAL.hash], CLOSED)


@given(st.permutations([PROPOSAL, *VOTES, closing(FULL, PROPOSAL, 9)]))
def test_in_whatever_order_it_comes_the_result_is_the_same(facts):
    """The closing may come before the proposal, votes after it: outcome and record are the same bytes."""
    result = result_of((book := book_of(*facts)).cases[PROPOSAL.hash], book)

    assert result is not None
    assert (result.tally.outcome, dict(result.tally.counts)) == ("passed", {"approve": 2, "reject": 1, "abstain": 0})
    assert json.loads(result.record)["outcome"] == "passed"
    assert result.record_digest == RESULT.record_digest


def test_the_record_has_an_address_that_names_one_thing():
    """It is canonical, and holds no wildcard."""
    named = json.loads(RESULT.record)["ucxl"]

    assert str(ucxl.parse(named)) == named
    assert ucxl.parse(named).concrete
    assert named.endswith(f":decisions/*^/decisions/{ID}")


def test_the_first_closing_stands():
    """A second one, by whatever admin, with other votes, changes nothing."""
    few = book_of(PROPOSAL, VOTES[2])
    book = book_of(PROPOSAL, *VOTES, closing(FULL, PROPOSAL, 9), closing(few, PROPOSAL, 10))
    other = book_of(PROPOSAL, *VOTES, closing(few, PROPOSAL, 9), closing(FULL, PROPOSAL, 10))

    assert result_of(book.cases[PROPOSAL.hash], book).tally.cast == 3
    assert result_of(other.cases[PROPOSAL.hash], other).tally.cast == 1


def test_only_its_proposer_withdraws_also_where_the_entry_comes_first():
    """A withdrawal by another member, even a decided one, ends nothing."""
    foreign = book_of(withdrawing(WHO[1], PROPOSAL, 8), PROPOSAL, *VOTES, closing(FULL, PROPOSAL, 9))
    own = book_of(withdrawing(WHO[0], PROPOSAL, 8), PROPOSAL, *VOTES, closing(FULL, PROPOSAL, 9))

    assert isinstance(foreign.cases[PROPOSAL.hash].end, Closing)
    assert isinstance(own.cases[PROPOSAL.hash].end, Withdrawal)


def test_another_mesh_closes_nothing():
    """A vote belongs to the mesh it was proposed in."""
    other = "77" * 32
    book = book_of(*founding(other), PROPOSAL, *VOTES, closing(FULL, PROPOSAL, 9, mesh_id=other))

    assert book.cases[PROPOSAL.hash].end is None


def test_a_proposal_under_a_taken_id_takes_nothing_over():
    """Votes and closing name the entry of the proposal they mean."""
    copy = proposing(WHO[1], title="another thing")
    book = book_of(PROPOSAL, copy, *VOTES, closing(FULL, PROPOSAL, 9))

    assert len(book.named(ID)) == 2
    assert book.cases[copy.hash].votes == {}
    assert book.cases[copy.hash].end is None


def test_votes_behind_a_fork_count_for_nothing_unless_they_were_counted_before():
    """What the control log has is not taken back; before the closing they are no votes."""
    epoch, seq = VOTES[1].header.epoch, VOTES[1].header.seq
    open_, closed = book_of(PROPOSAL, *VOTES), book_of(PROPOSAL, *VOTES, closing(FULL, PROPOSAL, 9))
    for book in (open_, closed):
        book.doubt(NAMES[1], epoch, seq)

    assert VOTES[1].hash not in open_.votes(open_.cases[PROPOSAL.hash])
    assert result_of(closed.cases[PROPOSAL.hash], closed).tally.counts["approve"] == 2
    closed.reset()  # a journal takes back what is behind a fork, and gives the rest again
    for entry in (PROPOSAL, VOTES[0], VOTES[2]):
        closed.apply(entry, messages.check(entry.type, entry.data))
    assert result_of(closed.cases[PROPOSAL.hash], closed).tally.counts["approve"] == 2
    open_.doubt(NAMES[1], epoch, None)
    assert VOTES[1].hash in open_.votes(open_.cases[PROPOSAL.hash])


def test_an_erased_vote_still_counts_as_the_closing_says():
    """Its text is gone, its choice stands in the control log."""
    gone = decided(10, "body_erased", {"author": NAMES[2], "epoch": "a" * 32, "seq": 2, "hash": VOTES[2].hash})
    book = book_of(PROPOSAL, *VOTES, closing(FULL, PROPOSAL, 9), gone)
    book.reset()
    for entry in (PROPOSAL, *VOTES[:2]):
        book.apply(entry, messages.check(entry.type, entry.data))

    assert dict(result_of(book.cases[PROPOSAL.hash], book).tally.counts) == {"approve": 2, "reject": 1, "abstain": 0}


def invented(book: Book, erased: dict[str, Any], *, early: bool = False, vote: Any = None) -> Book:
    """Closed by an admin that counts a vote of the third member that never was, after something was erased."""
    case = book.cases[PROPOSAL.hash]
    told = rules.stated(
        case.proposal, list(case.votes.values()), book.members(MESH), {n: {"a" * 32: 9} for n in NAMES}, {}
    )
    members = {**told, NAMES[2]: Stated(vote=vote or CountedVote("a" * 32, 7, NOTHING, "approve"))}
    closed = decided(9, "vote_closed", closing_data(case.proposal, members))
    book.decided(decided(8, "body_erased", erased))
    book.decided(replace(closed, hlc=f"{DEADLINE - 1}:0:n") if early else closed)
    return book


NOTHING = "d" * 64


@pytest.mark.parametrize(
    "erased",
    [
        {"author": NAMES[0], "epoch": "x", "seq": 0, "hash": NOTHING},
        {"author": NAMES[0], "epoch": "a" * 32, "seq": 7, "hash": NOTHING},
        {"author": NAMES[2], "epoch": "b" * 32, "seq": 7, "hash": NOTHING},
        {"author": NAMES[2], "epoch": "a" * 32, "seq": 8, "hash": NOTHING},
        {"author": NAMES[2], "epoch": "a" * 32, "seq": 7, "hash": "e" * 64},
    ],
    ids=["own", "own, that number", "another epoch", "another number", "another hash"],
)
def test_only_the_very_vote_that_was_erased_counts_without_its_text(erased):
    """An admin that erases an entry of its own, under the hash of a vote that it makes up, has not erased another's vote: nothing
    comes of the closing as long as that vote is nowhere."""
    book = invented(book_of(PROPOSAL, *VOTES[:2]), erased)

    assert book.cases[PROPOSAL.hash].closing is not None
    assert result_of(book.cases[PROPOSAL.hash], book) is None


def test_one_erased_vote_is_not_counted_for_two():
    """The second member that it is counted for has not said it."""
    gone = {"author": NAMES[1], "epoch": "a" * 32, "seq": 2, "hash": NOTHING}
    book = invented(book_of(PROPOSAL, VOTES[0]), gone, vote=CountedVote("a" * 32, 2, NOTHING, "approve"))

    assert book.untold(book.cases[PROPOSAL.hash].closing) == {}


@pytest.mark.parametrize("early", [False, True])
def test_what_counts_by_the_admins_word_is_told_and_is_no_fault(early):
    """Whoever votes may erase it afterwards, and a master anybody's: the choice is as stated, and so is that it was for good; neither
    is proven, and the admin has done nothing wrong."""
    votes = [voting(who, PROPOSAL, "approve", final=True) for who in WHO[:2]]
    book = invented(
        book_of(PROPOSAL, *votes), {"author": NAMES[2], "epoch": "a" * 32, "seq": 7, "hash": NOTHING}, early=early
    )
    case = book.cases[PROPOSAL.hash]
    result = result_of(case, book)

    assert dict(result.tally.counts) == {"approve": 3, "reject": 0, "abstain": 0}
    assert rules.faults(case.proposal, case.closing, book.votes(case)) == []
    told = views.unproven(case, around(book))
    assert f"{NAMES[2]} is counted with 'approve' as the admin states: its text was erased" in told
    assert len(told) == 1 + early
    assert views.unproven(CLOSED.cases[PROPOSAL.hash], around(CLOSED)) == []


def around(book: Book) -> Any:
    """As much as this takes: what members are called."""
    return SimpleNamespace(book=book, control=SimpleNamespace(name=lambda peer_id: peer_id))


def test_data_that_are_no_closing_close_nothing():
    """Skipped, by every peer alike."""
    for wrong in (
        {},
        {"proposal": 1},
        {"proposal_id": ID, "proposal": PROPOSAL.hash, "members": {"x": {"vote": ["e"]}}},
    ):
        book = book_of(PROPOSAL, decided(9, "vote_closed", wrong))

        assert book.cases[PROPOSAL.hash].end is None


def test_who_holds_a_case_goes_on_with_it_when_all_is_told_anew():
    """An operation that waits for a disk or a peer meanwhile must find what was told again."""
    book = book_of(PROPOSAL, *VOTES)
    case = book.cases[PROPOSAL.hash]
    book.reset()
    gone = case.proposal
    for entry in (PROPOSAL, VOTES[0]):
        book.apply(entry, messages.check(entry.type, entry.data))

    assert gone is None
    assert case.proposal is not None
    assert set(case.votes) == {VOTES[0].hash}
