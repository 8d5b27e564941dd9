"""What a follower applies: only what a majority acknowledged, written by whom a majority chose."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.entries import Commit, acknowledge, entry_bytes, vote_for_self
from chorus_tui.engine.control.log import Gap, Log
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.control.voters import Seat, Voters
from chorus_tui.engine.protocol import canonical, identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity

ADMIN, STRANGER, OTHER = (Identity(bytes([n]) * 32) for n in (1, 2, 3))


class History:
    """A certified log of one voter, as the admin would send it; parts can be made wrong."""

    def __init__(self, *, voters: tuple[Identity, ...] = (ADMIN,)) -> None:
        founder = {"peer_id": ADMIN.peer_id, "agent_id": "admin", "authority": "master"}
        data = {"founder": founder, "voters": [v.peer_id for v in voters], "parameters": {}, "nonce": "0"}
        self.mesh_id = ""
        self.head: str | None = None
        self.items: list[dict[str, str]] = []
        self.add(entries.FOUNDED, data)
        self.mesh_id = str(self.head)
        self.votes = [vote_for_self(ADMIN, self.mesh_id, 1, Position(0, 0)).as_json()]

    def add(self, type_: str, data: dict[str, Any], *, by: Identity = ADMIN, **changed: Any) -> None:
        fields = {"mesh_id": self.mesh_id or None, "term": 1, "index": len(self.items) + 1, "prev": self.head} | changed
        raw = entry_bytes(**fields, hlc="0", type_=type_, data=data, request=None)
        self.items.append({"entry": raw.decode(), "sig": by.sign(identity.CONTROL, raw)})
        self.head = canonical.sha256_hex(raw)

    def certificate(self, *, by: Identity = ADMIN, term: int = 1) -> dict[str, Any]:
        return acknowledge(by, self.mesh_id, term, len(self.items), str(self.head)).as_json()


def refused(history: History, *, votes: list[Any] | None = None, certificate: Any = None) -> None:
    """All of it is refused, and the log has not moved."""
    log = Log(history.mesh_id)
    with pytest.raises(WireError):
        log.admit(history.items, history.votes if votes is None else votes, certificate or history.certificate())

    assert (log.index, log.head, log.elections, log.roster.members) == (0, None, {}, {})


def test_what_is_certified_is_applied():
    """A founding entry and an act, acknowledged and voted for, move the log to the certificate's place."""
    history = History()
    history.add("note", {"n": 1})
    log = Log(history.mesh_id)
    fresh, _ = log.admit(history.items, history.votes, history.certificate())

    assert [entry.type for entry in fresh] == [entries.FOUNDED, "note"]
    assert (log.index, log.head) == (2, history.head)


def test_what_is_here_already_is_not_applied_again():
    """The same entries a second time give nothing."""
    history = History()
    log = Log(history.mesh_id)
    log.admit(history.items, history.votes, history.certificate())

    assert log.admit(history.items, history.votes, history.certificate())[0] == []


def test_entries_beyond_the_certificate_wait():
    """What was sent but not acknowledged yet is not applied."""
    history = History()
    certificate = history.certificate()
    history.add("note", {"n": 1})
    log = Log(history.mesh_id)
    log.admit(history.items, history.votes, certificate)

    assert log.index == 1


def test_a_stranger_cannot_write_acknowledge_or_win():
    """Entry, acknowledgement and vote of a peer that is no voter count for nothing."""
    written = History()
    written.add("note", {}, by=STRANGER)
    refused(written)
    plain = History()
    refused(plain, certificate=plain.certificate(by=STRANGER))
    refused(plain, votes=[vote_for_self(STRANGER, plain.mesh_id, 1, Position(0, 0)).as_json()])
    refused(plain, votes=[])


def test_a_stranger_cannot_open_a_term():
    """A next term needs the votes of the voters in force, whoever else voted for it."""
    history = History()
    history.add(entries.TERM_OPENED, {}, by=STRANGER, term=2)
    history.votes.append(vote_for_self(STRANGER, history.mesh_id, 2, Position(1, 1)).as_json())
    refused(history)
    refused(history, certificate=history.certificate(by=STRANGER, term=2))


def test_votes_and_acks_are_of_one_mesh():
    """Signatures the voter gave in another mesh do not count here."""
    history = History()
    refused(history, votes=[vote_for_self(ADMIN, "0" * 64, 1, Position(0, 0)).as_json()])
    refused(history, certificate=acknowledge(ADMIN, "0" * 64, 1, 1, str(history.head)).as_json())


@pytest.mark.parametrize("changed", [{"prev": "0" * 64}, {"mesh_id": "0" * 64}, {"term": 0}])
def test_an_entry_follows_the_log(changed):
    """Another predecessor, another mesh, an older term: refused, although signed and acknowledged."""
    history = History()
    history.add("note", {}, **changed)
    refused(history)


def test_terms_never_go_back():
    """After an entry of term 2 none of term 1 is taken, although that term's votes are known (E5)."""
    history = History()
    history.add(entries.TERM_OPENED, {}, term=2)
    history.votes.append(vote_for_self(ADMIN, history.mesh_id, 2, Position(1, 1)).as_json())
    history.add("note", {}, term=1)
    refused(history, certificate=history.certificate(term=2))


def test_an_entry_is_decided_in_its_own_term_or_with_a_later_one():
    """An acknowledgement in a later term than the entry's proves nothing of it: under that term the same voters may acknowledge
    another entry at its place. With the entry that opens the later term behind it, it is decided."""
    history = History()
    history.add("note", {"n": 1})
    refused(history, certificate=history.certificate(term=2))
    history.add(entries.TERM_OPENED, {}, term=2)
    history.votes.append(vote_for_self(ADMIN, history.mesh_id, 2, Position(2, 1)).as_json())
    log = Log(history.mesh_id)
    log.admit(history.items, history.votes, history.certificate(term=2))

    assert log.index == 3


def test_one_of_three_is_no_majority_and_counts_once():
    """With three voters one acknowledgement, even shown three times, commits nothing (E4)."""
    history = History(voters=(ADMIN, STRANGER, OTHER))
    one = acknowledge(ADMIN, history.mesh_id, 1, 1, str(history.head))
    repeated = replace(one, acks=one.acks * 3)
    two = replace(one, acks=one.acks + acknowledge(OTHER, history.mesh_id, 1, 1, str(history.head)).acks)
    voters = Voters(tuple(Seat(who.peer_id, "1") for who in (ADMIN, STRANGER, OTHER)))

    assert not one.holds(history.mesh_id, voters)
    assert not repeated.holds(history.mesh_id, voters)
    assert two.holds(history.mesh_id, voters)
    refused(history)


def test_what_is_tried_and_not_taken_leaves_no_trace():
    """A trial copy that is thrown away moved nothing here: neither members, nor what a master decided, nor which requests were used."""
    history = History()
    log = Log(history.mesh_id)
    log.admit(history.items, history.votes, history.certificate())
    before = deepcopy(log)
    trial = log.copy()
    change = {"peer_id": ADMIN.peer_id, "role": "reviewer"}
    raw = entry_bytes(
        mesh_id=log.mesh_id, term=1, index=2, prev=log.head, hlc="0", type_=entries.MEMBER_CHANGED, data=change, request={"text": "x", "sig": ""}
    )  # fmt: skip
    trial.extend(entries.parse_entry(raw, ADMIN.sign(identity.CONTROL, raw), ADMIN.peer_id))

    assert trial.roster.decided and trial.roster.used
    assert log == before


def test_a_gap_is_told():
    """Entries that begin later ask for those before, and nothing moves."""
    history = History()
    history.add("note", {})
    with pytest.raises(Gap):
        Log(history.mesh_id).admit(history.items[1:], history.votes, history.certificate())


@pytest.mark.parametrize("junk", [None, 5, [], {}, {"acks": 1}, {"term": -1, "index": 1, "hash": "", "acks": []}])
def test_a_certificate_of_nonsense_is_refused(junk):
    """Whatever stands where a certificate should, the answer is a typed refusal."""
    with pytest.raises(WireError):
        Commit.from_json(junk)
