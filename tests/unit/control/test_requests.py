"""What the admin decides on a member's behalf: only what the member signed, and may."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest

from chorus_tui.engine.control import entries, join, requests
from chorus_tui.engine.control.entries import entry_bytes, parse_entry
from chorus_tui.engine.control.interface import Authority, ControlEntry, Member
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity

ADMIN, MASTER, AGENT, STRANGER = (Identity(bytes([n]) * 32) for n in range(1, 5))
MESH = "ab" * 32
MOMENTS = itertools.count()
"""Each request is another one, also for the same."""


def member(who: Identity, authority: Authority) -> Member:
    return Member(who.peer_id, f"name{who.peer_id[-3:].lower()}", "agent", "", (), authority, 1)


def roster() -> Roster:
    members = [member(MASTER, "master"), member(ADMIN, "coordination"), member(AGENT, "coordination")]
    return Roster(MESH, members={m.peer_id: m for m in members})


def entry(type_: str, data: dict[str, Any], request: Any) -> ControlEntry:
    raw = entry_bytes(
        mesh_id=MESH, term=1, index=9, prev="0" * 64, hlc="1:0:x", type_=type_, data=data, request=request
    )
    return parse_entry(raw, ADMIN.sign(identity.CONTROL, raw), ADMIN.peer_id)


def signed(who: Identity, type_: str, data: dict[str, Any], mesh_id: str = MESH) -> dict[str, Any]:
    return requests.make(who, mesh_id, type_, data, f"{next(MOMENTS)}:0:x")


PROMOTE = {"peer_id": AGENT.peer_id, "authority": "master"}


def test_what_a_master_asked_for_holds():
    """Granting an authority, signed by a master, is accepted by every follower."""
    requests.check_entry(
        entry(entries.MEMBER_CHANGED, PROMOTE, signed(MASTER, entries.MEMBER_CHANGED, PROMOTE)), roster()
    )


@pytest.mark.parametrize(
    "request_",
    [
        None,
        {"text": "{}", "sig": ""},
        signed(AGENT, entries.MEMBER_CHANGED, PROMOTE),
        signed(STRANGER, entries.MEMBER_CHANGED, PROMOTE),
        signed(MASTER, entries.MEMBER_CHANGED, PROMOTE | {"peer_id": ADMIN.peer_id}),
        signed(MASTER, entries.MEMBER_RETIRED, PROMOTE),
        signed(MASTER, entries.MEMBER_CHANGED, PROMOTE, mesh_id="cd" * 32),
        signed(MASTER, entries.MEMBER_CHANGED, PROMOTE) | {"sig": "00" * 64},
    ],
    ids=["none", "empty", "no authority", "stranger", "another member", "another type", "another mesh", "forged"],
)
def test_an_admin_cannot_invent_a_request(request_):
    """Without the member's own signature over exactly this, or its authority, no follower takes the entry."""
    with pytest.raises(WireError):
        requests.check_entry(entry(entries.MEMBER_CHANGED, PROMOTE, request_), roster())


def test_members_are_added_only_as_they_asked():
    """The name and kind in the entry are those that the newcomer signed."""
    who = join.Newcomer(STRANGER.peer_id, "new", "agent", "", [])
    wish = join.make_request(STRANGER, MESH, who, "1:0:x")

    requests.check_entry(entry(entries.MEMBER_ADDED, {"member": who.member("coordination")}, wish), roster())
    with pytest.raises(WireError):
        requests.check_entry(
            entry(entries.MEMBER_ADDED, {"member": who.member("coordination") | {"agent_id": "other"}}, wish), roster()
        )


@pytest.mark.parametrize(
    ("kind", "people", "authority", "taken"),
    [
        ("agent", 0, "coordination", True),
        ("agent", 0, "read_only", True),
        ("agent", 0, "decision", False),
        ("agent", 0, "master", False),
        ("human", 0, "master", True),
        ("human", 1, "decision", True),
        ("human", 1, "master", False),
        ("agent", 0, "king", False),
    ],
)
def test_an_admin_gives_a_newcomer_no_more_than_its_kind_has(kind, people, authority, taken):
    """An agent coordinates, the first person is a master, further ones decide: more comes by a master's signed word alone."""
    table = roster()
    for name in range(people):
        table.members[str(name)] = Member(str(name), f"p{name}", "human", "", (), "decision", 1)
    who = join.Newcomer(STRANGER.peer_id, "new", kind, "", [])
    added = entry(
        entries.MEMBER_ADDED, {"member": who.member(authority)}, join.make_request(STRANGER, MESH, who, "1:0:x")
    )

    if taken:
        requests.check_entry(added, table)
    else:
        with pytest.raises(WireError, match="at most"):
            requests.check_entry(added, table)


@pytest.mark.parametrize("changed", [{"role": "developer"}, {"expertise": ["law"]}, {"ephemeral": True}])
def test_a_newcomer_is_what_it_signed_to_be(changed):
    """Role, expertise and whether it may be lost are the newcomer's word."""
    who = join.Newcomer(STRANGER.peer_id, "new", "agent", "", [])
    wish = join.make_request(STRANGER, MESH, who, "1:0:x")

    with pytest.raises(WireError, match="as it asked"):
        requests.check_entry(
            entry(entries.MEMBER_ADDED, {"member": who.member("coordination") | changed}, wish), roster()
        )


def test_a_member_is_not_added_over_itself():
    """An admin cannot set a member back, or up, by its old wish to join."""
    who = join.Newcomer(AGENT.peer_id, "name", "agent", "", [])
    wish = join.make_request(AGENT, MESH, who, "1:0:x")

    with pytest.raises(WireError, match="already"):
        requests.check_entry(entry(entries.MEMBER_ADDED, {"member": who.member("coordination")}, wish), roster())


def test_a_request_is_good_for_one_entry():
    """What a master once granted and took back is not granted again by its old word; nor does a wish to join bring back who was sent
    away. The next request for the same is another."""
    table = roster()
    who = join.Newcomer(STRANGER.peer_id, "new", "agent", "", [])
    wish = join.make_request(STRANGER, MESH, who, "1:0:x")
    joins = entry(entries.MEMBER_ADDED, {"member": who.member("coordination")}, wish)
    promotes = entry(entries.MEMBER_CHANGED, PROMOTE, signed(MASTER, entries.MEMBER_CHANGED, PROMOTE))
    for one in (joins, promotes):
        requests.check_entry(one, table)
        table.apply(one)
    gone = {"peer_id": STRANGER.peer_id}
    table.apply(entry(entries.MEMBER_RETIRED, gone, signed(MASTER, entries.MEMBER_RETIRED, gone)))

    for one in (joins, promotes):
        with pytest.raises(WireError, match="repeats"):
            requests.check_entry(one, table)
    again = entry(entries.MEMBER_CHANGED, PROMOTE, signed(MASTER, entries.MEMBER_CHANGED, PROMOTE))
    requests.check_entry(again, table)


def test_anybody_may_leave_and_the_last_master_stays():
    """One's own leaving needs no authority; the last master is never retired."""
    table = roster()
    leave = requests.Request(AGENT.peer_id, entries.MEMBER_RETIRED, {"peer_id": AGENT.peer_id})
    last = requests.Request(MASTER.peer_id, entries.MEMBER_RETIRED, {"peer_id": MASTER.peer_id})
    other = requests.Request(AGENT.peer_id, entries.MEMBER_RETIRED, {"peer_id": ADMIN.peer_id})

    assert requests.refusal(leave, table) is None
    assert "last master" in str(requests.refusal(last, table))
    assert "authority" in str(requests.refusal(other, table))


ERASE = {"author": AGENT.peer_id, "epoch": "e" * 32, "seq": 3, "hash": "f" * 64}


@pytest.mark.parametrize(
    ("who", "data", "may"),
    [
        (AGENT, ERASE, True),
        (MASTER, ERASE, True),
        (ADMIN, ERASE, False),
        (STRANGER, ERASE, False),
        (AGENT, ERASE | {"author": ADMIN.peer_id}, False),
        (AGENT, {name: ERASE[name] for name in ("author", "epoch", "seq")}, False),
        (AGENT, ERASE | {"seq": True}, False),
    ],
)
def test_a_body_is_erased_for_its_author_or_a_master(who: Identity, data: dict[str, Any], may: bool):
    """By every follower's own rule, whatever the admin decided."""
    erased = entry(entries.BODY_ERASED, data, signed(who, entries.BODY_ERASED, data))
    if may:
        requests.check_entry(erased, roster())
    else:
        with pytest.raises(WireError):
            requests.check_entry(erased, roster())


ROLE = {"peer_id": AGENT.peer_id, "role": "reviewer", "expertise": ["go"], "wished": True}


def asked_by(who: Identity, data: dict[str, Any], at: Roster) -> str | None:
    return requests.refusal(requests.read(signed(who, entries.MEMBER_CHANGED, data), MESH), at)


def test_a_member_wishes_for_its_own_role_and_nothing_else():
    """As it named it when it joined: not its authority, not another's role, not without the authority to work, and only as a wish."""
    assert asked_by(AGENT, ROLE, roster()) is None
    assert asked_by(AGENT, {**ROLE, "authority": "master"}, roster()) is not None
    assert asked_by(AGENT, {**ROLE, "wished": 1}, roster()) is not None
    assert asked_by(ADMIN, ROLE, roster()) is not None
    assert asked_by(MASTER, ROLE, roster()) is not None
    reader = roster()
    reader.members[AGENT.peer_id] = member(AGENT, "suggestion")
    assert asked_by(AGENT, ROLE, reader) is not None


@pytest.mark.parametrize("who", [AGENT, MASTER], ids=["another's", "a master's own"])
def test_a_role_that_a_master_decided_stays(who):
    """A wish cannot change it back, not even the master's own; wishes before it do not count as decided."""
    at, wish = roster(), {**ROLE, "peer_id": who.peer_id}
    at.apply(entry(entries.MEMBER_CHANGED, wish, signed(who, entries.MEMBER_CHANGED, wish)))
    assert at.members[who.peer_id].role == "reviewer"
    assert asked_by(who, {**wish, "role": "writer"}, at) is None

    decided = {"peer_id": who.peer_id, "role": "tester"}
    at.apply(entry(entries.MEMBER_CHANGED, decided, signed(MASTER, entries.MEMBER_CHANGED, decided)))
    assert asked_by(who, wish, at) == "a master has decided this member's role"
    assert asked_by(MASTER, {**decided, "role": "writer"}, at) is None


# ── persons ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def key(n: int) -> str:
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-ed25519", bytes([n]) * 32))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def enrolled(at: Roster, person: str, n: int, authority: str = "decision", who: Identity = MASTER) -> str:
    """Ask for it, and when it is not refused let the log say so; why it was refused."""
    data = {"person": person, "key": key(n), "authority": authority}
    return said_of(at, entries.PERSON_ENROLLED, data, who)


def withdrawn(at: Roster, person: str, n: int | None = None, who: Identity = MASTER) -> str:
    return said_of(at, entries.PERSON_WITHDRAWN, {"person": person, "key": "" if n is None else key(n)}, who)


def said_of(at: Roster, type_: str, data: dict[str, Any], who: Identity) -> str:
    made = entry(type_, data, signed(who, type_, data))
    try:
        requests.check_entry(made, at)
    except WireError as error:
        return str(error)
    at.apply(made)
    return ""


def test_only_a_master_says_whose_a_key_is():
    """Enrolling and withdrawing need what granting membership needs, and the master's own signature; every follower sees to it."""
    at = roster()

    assert "authority" in enrolled(at, "ana", 1, who=AGENT)
    assert "only members" in enrolled(at, "ana", 1, who=STRANGER)
    assert not at.persons
    assert enrolled(at, "ana", 1) == ""
    assert "authority" in withdrawn(at, "ana", who=AGENT)
    assert at.persons["ana"].keys == (key(1),)
    data = {"person": "eve", "key": key(2), "authority": "master"}
    with pytest.raises(WireError):
        requests.check_entry(entry(entries.PERSON_ENROLLED, data, None), at)


def test_a_key_is_one_persons():
    """Who holds it would have two votes; once it is withdrawn it may become another's."""
    at = roster()
    enrolled(at, "ana", 1)

    assert "ana's" in enrolled(at, "ben", 1)
    data = {"person": "ben", "key": key(1), "authority": "decision"}
    at.apply(entry(entries.PERSON_ENROLLED, data, signed(MASTER, entries.PERSON_ENROLLED, data)))
    assert "ben" not in at.persons
    assert withdrawn(at, "ana", 1) == ""
    assert enrolled(at, "ben", 1) == ""
    assert (at.persons["ana"].keys, at.persons["ana"].former) == ((), (key(1),))


def test_a_person_has_several_keys_and_loses_one_or_all():
    """The newest enrolment says the authority; what is not there cannot be withdrawn; a key comes back when it is enrolled again."""
    at = roster()
    enrolled(at, "ana", 1)
    enrolled(at, "ana", 2, "coordination")

    assert (at.persons["ana"].keys, at.persons["ana"].authority) == ((key(1), key(2)), "coordination")
    assert "nobody of that name" in withdrawn(at, "ana", 3)
    assert "nobody of that name" in withdrawn(at, "ben")
    assert withdrawn(at, "ana", 1) == ""
    assert at.persons["ana"].keys == (key(2),)
    assert enrolled(at, "ana", 1) == ""
    assert withdrawn(at, "ana") == ""
    assert (at.persons["ana"].keys, at.persons["ana"].former) == ((), (key(2), key(1)))
    assert [enrolled(at, "cat", n) for n in range(10, 18)] == [""] * 8
    assert "8 keys already" in enrolled(at, "cat", 18)


@pytest.mark.parametrize("wrong", [
    {"person": ""}, {"person": "a\n"}, {"person": "a" * 65}, {"person": 'a"'}, {"person": " ana"}, {"key": "ssh-ed25519 AAAA"},
    {"key": ""}, {"authority": "god"}, {"key": key(1) + " ana@laptop"}, {"key": "ssh-rsa AAAA"},
])  # fmt: skip
def test_what_names_nobody_or_no_key_is_refused(wrong):
    """By the admin and by every follower; the log that says it all the same is skipped."""
    data = {"person": "ana", "key": key(1), "authority": "decision", **wrong}
    at = roster()

    assert said_of(at, entries.PERSON_ENROLLED, data, MASTER)
    at.apply(entry(entries.PERSON_ENROLLED, data, None))
    assert not at.persons
