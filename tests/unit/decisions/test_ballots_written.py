"""How a closing that counts persons' votes is written into the log, and read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.decisions import rules
from chorus_tui.engine.decisions.facts import Closing, CountedVote, Stated, StatedPerson, closing_data
from chorus_tui.engine.decisions.record import record
from chorus_tui.engine.protocol import canonical, sshsig
from chorus_tui.engine.protocol.messages.decisions import DecisionProposal
from tests.support.ssh_signing import Key
from tests.unit.decisions.cases import (
    DEADLINE,
    ID,
    MESH,
    by_hash,
    epoch,
    members,
    person,
    proposal,
    signed,
    vote,
)
from tests.unit.decisions.test_ballots import ANA, ENROLLED, OWN, PEERS, SIGNED, WHAT, cast, choices, honestly


def read_back(data, enrolled=ENROLLED):
    """A closing as it comes from the control log."""
    entry = ControlEntry(
        MESH, 1, 9, f"{DEADLINE}:0:n", "vote_closed", json.loads(canonical.encode(data)), None, "a", b"", "", "0" * 64
    )
    return Closing.read(entry, members(*PEERS), enrolled)


@given(SIGNED, OWN)
def test_a_closing_comes_back_from_the_log_as_it_was_made(persons, own):
    """Each peer that reads it finds the same choices."""
    votes = cast(persons, own)
    closed = honestly(votes)
    again = read_back(closing_data(WHAT, closed.members, closed.persons))

    assert choices(again, votes) == choices(closed, votes)


def test_where_no_person_is_named_everything_is_as_it_was():
    """No field more in proposal, closing and record, so that peers of older versions make the same bytes."""
    what = proposal(*PEERS)
    closed = honestly([vote("a", "approve", of=what)], what=what, enrolled={})
    told = rules.counted(what, closed, by_hash([vote("a", "approve", of=what)]), ())

    assert set(closing_data(what, closed.members, closed.persons)) == {"proposal_id", "proposal", "members"}
    assert set(json.loads(record(what, closed, told, rules.tally(what, told.values())))) == {
        "id", "ucxl", "title", "body", "kind", "made_by", "made_at", "mesh_id", "proposal", "closing", "outcome", "chosen", "tally",
        "eligible", "threshold", "quorum", "votes", "citations", "supersedes", "task_id", "content_hash",
    }  # fmt: skip


def test_the_record_holds_what_a_stranger_needs():
    """Text, signature and key; of a member's vote nothing more than before."""
    votes = [signed("ana", ANA, "approve", 2, of=WHAT, by="b", reason="cheap"), vote("b", "reject", n=3, of=WHAT)]
    closed = honestly(votes)
    told = choices(closed, votes)
    made = json.loads(record(WHAT, closed, told, rules.tally(WHAT, told.values())))
    own, person_ = made["votes"]

    assert made["persons"] == ["ana", "ben"]
    assert set(own) == {"by", "choice", "entry", "epoch", "seq"}
    assert (person_["person"], person_["by"], person_["key"], person_["choice"]) == ("ana", "b", ANA.public, "approve")
    assert sshsig.signer(person_["text"], "chorus-vote", sshsig.unarmored(person_["signature"])) == (ANA.public, "")
    assert json.loads(person_["text"])["proposal"] == WHAT.hash


def test_the_largest_closing_fits_its_entry():
    """All that may vote have, and every person has signed."""
    peers = [f"12D3KooW{n:044d}" for n in range(96)]
    names = [f"person number {n:02d} of the mesh" for n in range(32)]
    enrolled = {name: person(name, Key(n + 1)) for n, name in enumerate(names)}
    what = proposal(*peers, persons=names)
    votes = [signed(name, Key(n + 1), "approve", of=what, by=peers[n], seq=1_000_000) for n, name in enumerate(names)]
    persons = rules.stated_persons(what, votes, {}, {peer: {epoch(0): 2_000_000} for peer in peers}, enrolled)
    told = {
        peer: Stated(
            vote=CountedVote(epoch(0), 1_000_000, "0" * 64, "approve"), read=[(epoch(n), 1_000_000) for n in range(2)]
        )
        for peer in peers
    }

    assert len(persons) == 32
    assert len(canonical.encode(closing_data(what, told, persons))) < 60_000


@pytest.mark.parametrize("wrong", [
    {"persons": ["ana", "ana"]}, {"persons": [""]}, {"persons": ["a" * 65]}, {"persons": [f"p{n}" for n in range(33)]},
    {"eligible": [f"m{n}" for n in range(128)], "persons": ["ana"]},
])  # fmt: skip
def test_a_proposal_names_each_person_once_and_not_too_many(wrong):
    """Refused as a message: by every peer alike."""
    good = {"proposal_id": ID, "mesh_id": MESH, "title": "t", "deadline": 1, "eligible": ["a"], "persons": ["ana"]}
    DecisionProposal.model_validate(good)

    with pytest.raises(ValueError):
        DecisionProposal.model_validate({**good, **wrong})


def test_a_closing_that_says_nonsense_of_persons_is_none():
    """By every peer alike."""
    good = closing_data(WHAT, {}, honestly([signed("ana", ANA, "approve", of=WHAT)]).persons)
    for wrong in ({"by": 3}, {"revision": -1}, {"reason": "x"}, {"vote": None}, {"signature": "A" * 2000}):
        data = {**good, "persons": {"ana": {**good["persons"]["ana"], **wrong}}}

        assert read_back(data) is None
    assert isinstance(read_back(good).persons["ana"], StatedPerson)
