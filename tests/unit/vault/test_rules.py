"""Who may hold what, who makes keys, what is lost with an authority."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrage import x25519

from chorus_tui.engine.control import entries, requests
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.protocol.age_recipient import is_recipient, secret_bytes, secret_text
from chorus_tui.engine.vault import rules

AUTHORITIES = st.sampled_from(rules.AUTHORITIES)
ROLES = st.sampled_from(["", "worker", "Review", "review"])


@st.composite
def some(draw, peer_id: str | None = None) -> Member:
    name = peer_id or draw(st.sampled_from("abcdefgh"))
    return Member(name, name, "agent", draw(ROLES), (), draw(AUTHORITIES), 1, clash=draw(st.booleans()))


@given(some("author"), some("reader"))
def test_sealed_to_its_readers_is_sealed_to_exactly_those_who_may_read(author: Member, reader: Member):
    """A reader opens it when it may read what the author's authority writes, or has its role; masters always; nobody under a name
    that is another's."""
    opens = any(rules.may_hold(reader, keyring) for keyring in rules.readers_of(author))
    role = bool(author.role) and author.role.lower() == reader.role.lower() and not author.clash
    may = author.authority in rules.READS[reader.authority] or role or reader.authority == "master"
    assert opens == (may and not reader.clash)


@given(st.lists(some(), max_size=8), st.sets(st.sampled_from("abcdefgh")), st.none() | st.sampled_from("abcdefgh"))
def test_there_is_at_most_one_custodian_and_it_is_a_master_that_is_there(people, present, admin):
    """The admin when it is one; else the smallest id; nobody when no master is there."""
    members = {one.peer_id: one for one in people}
    masters = {who for who, one in members.items() if one.authority == "master" and not one.clash} & present
    found = rules.custodian(members, admin, present)
    assert (found in masters) if masters else found is None
    assert not (admin in masters and found != admin)
    assert admin in masters or not masters or found == min(masters)


@given(st.lists(some(), max_size=6), st.lists(some(), max_size=6))
def test_a_keyring_is_lost_when_a_holder_may_no_longer(before, after):
    """And not because somebody came."""
    was, is_ = ({one.peer_id: one for one in people} for people in (before, after))
    known = [*rules.AUTHORITIES, "role:worker", "role:review"]
    for keyring in known:
        losers = [
            who
            for who, one in was.items()
            if rules.may_hold(one, keyring) and not rules.may_hold(is_.get(who), keyring)
        ]
        assert (keyring in rules.lost(was, is_, known)) == bool(losers)


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_written_as_age_writes_it(key: bytes):
    """Text and back; age's own reading agrees, and a changed letter is no recipient."""
    text = secret_text(key)
    assert secret_bytes(text) == key
    recipient = str(x25519.Identity.from_str(text).to_public())
    assert is_recipient(recipient)
    wrong = recipient[:-1] + ("q" if recipient[-1] != "q" else "p")
    assert not is_recipient(wrong)
    assert not is_recipient(recipient.upper())


MASTER = Member("m", "m", "agent", "", (), "master", 1)
OTHER = replace(MASTER, peer_id="o", authority="decision")
KEY = {"keyring": "decision", "version": 2, "recipient": str(x25519.Identity.generate().to_public())}


@pytest.mark.parametrize(
    ("who", "data", "may"),
    [
        (MASTER, KEY, True),
        (OTHER, KEY, False),
        (MASTER, KEY | {"version": 1}, False),
        (MASTER, KEY | {"version": 3}, False),
        (MASTER, KEY | {"version": True}, False),
        (MASTER, KEY | {"keyring": "everybody"}, False),
        (MASTER, KEY | {"keyring": "role:a/b"}, False),
        (MASTER, KEY | {"recipient": KEY["recipient"][:-1] + "1"}, False),
        (MASTER, {}, False),
    ],
    ids=["next", "no master", "again", "a hole", "no number", "no keyring", "no role", "no recipient", "nothing"],
)
def test_the_log_takes_the_next_key_of_a_keyring_by_a_master(who, data, may):
    """Every follower checks it by itself."""
    roster = Roster("ab" * 32, members={"m": MASTER, "o": OTHER}, keyrings={"decision": (KEY["recipient"],)})
    why = requests.refusal(requests.Request(who.peer_id, entries.ROLE_KEY_SET, data), roster)
    assert (why is None) == may, why


@pytest.mark.parametrize(
    ("who", "data", "may"),
    [
        (MASTER, {"keyring": "master", "version": 1, "split": 7}, True),
        (OTHER, {"keyring": "master", "version": 1, "split": 7}, False),
        (MASTER, {"keyring": "master", "version": 2, "split": 7}, False),
        (MASTER, {"keyring": "decision", "version": 1, "split": 7}, False),
        (MASTER, {"keyring": "master", "version": 1}, False),
    ],
    ids=["known", "no master", "no such version", "another keyring", "no split"],
)
def test_a_rehearsal_is_of_a_key_that_there_is(who, data, may):
    """A master's word, for a version of the master key that the log knows."""
    roster = Roster("ab" * 32, members={"m": MASTER, "o": OTHER}, keyrings={"master": (KEY["recipient"],)})
    why = requests.refusal(requests.Request(who.peer_id, entries.RECOVERY_REHEARSED, data), roster)
    assert (why is None) == may, why
