"""What members may ask the admin to decide on their behalf. Pure.

A request is self-contained and signed: ``{"text", "sig"}``, the text canonical ``{at, data, mesh_id, peer_id, type}``. The
entry carries it whole, so every follower checks by itself that this member asked for exactly this, and may. An admin can
refuse a request; it cannot invent one, nor use one again after what it asked for was taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chorus_tui.engine.control import authority, entries, join
from chorus_tui.engine.control.interface import ControlEntry, Member
from chorus_tui.engine.control.membership import MOST_KEYS, Roster, check
from chorus_tui.engine.protocol import canonical, identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.protocol.named import named_entry

Rule = Callable[[Member, dict[str, Any], Roster], str | None]
"""(who asks, data, the roster before the entry) → why not, or None."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a member asked for, its signature checked."""

    peer_id: str
    type: str
    data: dict[str, Any]


def needs(act: authority.Act) -> Rule:
    """The plainest rule: an authority."""

    def rule(member: Member, _data: dict[str, Any], _roster: Roster) -> str | None:
        return None if authority.may(member, act) else f"this needs the authority to {act.replace('_', ' ')}"

    return rule


def _grants(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    """A master grants everything. What is ``wished`` is a member's own role and expertise, as it named them when it joined; what a
    master has decided of them stays."""
    if data.get("peer_id") not in roster.members:
        return "there is no such member"
    if data.get("wished") is True:
        return _wishes(member, data, roster)
    return needs("grant_roles")(member, data, roster)


def _wishes(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    if data["peer_id"] != member.peer_id or not set(data) <= {"peer_id", "role", "expertise", "wished"}:
        return "a member wishes only for its own role and expertise"
    if member.peer_id in roster.decided:
        return "a master has decided this member's role"
    return needs("work")(member, data, roster)


def _removes(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    """Anybody may leave; sending others away takes a master."""
    gone = roster.members.get(str(data.get("peer_id")))
    if gone is None:
        return "there is no such member"
    if [m for m in roster.members.values() if m.authority == "master"] == [gone]:
        return "the last master is never retired: nobody could grant anything any more"
    return None if gone == member else needs("grant_roles")(member, data, roster)


def _judges(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    """Whether a task may run is for people to say."""
    return needs("approve")(member, data, roster) if member.kind == "human" else "only people approve or deny tasks"


def _erases(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    """One's own words; anybody's with the authority of a master."""
    if named_entry(data) is None:
        return "author, epoch, seq and hash name the entry whose body goes"
    own = data["author"] == member.peer_id and not member.clash
    may = own or needs("grant_roles")(member, data, roster) is None
    return None if may else "only its author or a master may erase what an entry says"


def _ill_granted(member: Member, data: dict[str, Any], roster: Roster, kind: str) -> str | None:
    """What stands against it before its own rule is asked: the authority is missing, or it is none of its ``kind``."""
    why = needs("grant_roles")(member, data, roster)
    if why is not None:
        return why
    try:
        check(kind, data)
    except WireError as error:
        return str(error)
    return None


def _sets_key(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    """A keyring's versions follow one another, so that of two masters who make one at once only one has made it."""
    why = _ill_granted(member, data, roster, entries.ROLE_KEY_SET)
    if why is not None:
        return why
    following = len(roster.keyrings.get(data["keyring"], ())) + 1
    return None if data["version"] == following else f"the next version of {data['keyring']} is {following}"


def _rehearses(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    why = _ill_granted(member, data, roster, entries.RECOVERY_REHEARSED)
    if why is not None:
        return why
    known = data["version"] <= len(roster.keyrings.get(data["keyring"], ()))
    return None if known else "the keyring has no such version"


def _enrols(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    """Who may grant membership says whose a key is; a key is one person's."""
    why = _ill_granted(member, data, roster, entries.PERSON_ENROLLED)
    if why is not None:
        return why
    person, holder = roster.persons.get(data["person"]), roster.holder(data["key"])
    if holder not in ("", data["person"]):
        return f"this key is {holder}'s; withdraw it there first"
    if person is not None and len({*person.keys, data["key"]}) > MOST_KEYS:
        return f"{data['person']} has {MOST_KEYS} keys already; withdraw one first"
    return None


def _withdraws(member: Member, data: dict[str, Any], roster: Roster) -> str | None:
    why = _ill_granted(member, data, roster, entries.PERSON_WITHDRAWN)
    if why is not None:
        return why
    person = roster.persons.get(data["person"])
    if person is None or not person.keys or data.get("key", "") not in ("", *person.keys):
        return "nobody of that name is enrolled with that key"
    return None


REQUESTS: dict[str, Rule] = {
    entries.PARAMETERS_SET: needs("grant_roles"),
    entries.MEMBER_CHANGED: _grants,
    entries.MEMBER_RETIRED: _removes,
    entries.HAND_OVER: needs("trigger"),
    entries.FORK_RESOLVED: needs("grant_roles"),
    entries.BODY_ERASED: _erases,
    entries.ABSORB_OFFER: needs("grant_roles"),
    entries.ABSORBED_BY: needs("grant_roles"),
    entries.TASK_APPROVED: _judges,
    entries.TASK_DENIED: _judges,
    entries.VOTE_WITHDRAWN: needs("propose"),
    entries.ROLE_KEY_SET: _sets_key,
    entries.RECOVERY_REHEARSED: _rehearses,
    entries.PERSON_ENROLLED: _enrols,
    entries.PERSON_WITHDRAWN: _withdraws,
}
"""Types that a member can ask for, each with its rule. A feature adds its own here."""

ADMINS_OWN = {entries.MEMBER_RETIRED}
"""Types of the table that the admin may also decide by itself."""


def make(me: Identity, mesh_id: str, type_: str, data: dict[str, Any], at: str) -> dict[str, Any]:
    """A signed request."""
    text = canonical.encode({"mesh_id": mesh_id, "peer_id": me.peer_id, "type": type_, "data": data, "at": at})
    return {"text": text.decode(), "sig": me.sign(identity.REQUEST, text)}


def read(value: Any, mesh_id: str) -> Request:
    """Check form and signature. Raises :class:`WireError`."""
    try:
        raw = str(value["text"]).encode()
        text = canonical.decode(raw)
        request = Request(str(text["peer_id"]), str(text["type"]), dict(text["data"]))
        for_mesh, sig = text["mesh_id"], str(value["sig"])
    except (KeyError, TypeError, ValueError):
        raise WireError("bad_frame", "A request has text and sig, its text five fields") from None
    if for_mesh != mesh_id:
        raise WireError("wrong_mesh", "The request names another mesh")
    if not identity.verify(request.peer_id, identity.REQUEST, raw, sig):
        raise WireError("bad_signature", "The request is not signed by the member it names")
    return request


def refusal(request: Request, roster: Roster) -> str | None:
    """Why ``roster`` does not let this member have this, or None."""
    member = roster.members.get(request.peer_id)
    if member is None:
        return "only members may ask"
    rule = REQUESTS.get(request.type)
    return rule(member, request.data, roster) if rule else f"nobody can ask for {request.type}"


def check_entry(entry: ControlEntry, roster: Roster) -> None:
    """Whether an entry really acts for the member it cites, by the roster before it. Raises :class:`WireError`."""
    joins = entry.type == entries.MEMBER_ADDED
    if not joins and (entry.type not in REQUESTS or (entry.request is None and entry.type in ADMINS_OWN)):
        return
    if joins:
        _check_joined(entry, roster)
    else:
        request = read(entry.request, entry.mesh_id)
        if (request.type, request.data) != (entry.type, entry.data):
            raise WireError("bad_control_entry", f"The {entry.type} is not what the member asked for")
        why = refusal(request, roster)
        if why is not None:
            raise WireError("bad_control_entry", f"The {entry.type} is not the member's to ask for: {why}")
    if roster.has_used(entry.request):
        raise WireError("bad_control_entry", f"The {entry.type} repeats a request that was decided before")


def _check_joined(entry: ControlEntry, roster: Roster) -> None:
    """Added as it asked to be, with no more authority than a newcomer of its kind has, and not over a member that is there."""
    member = entry.data.get("member")
    if not isinstance(member, dict):
        raise WireError("bad_control_entry", "The entry names no member")
    newcomer = join.read_request(entry.request, entry.mesh_id, str(member.get("peer_id")))
    asked = {**newcomer.member(""), "ephemeral": newcomer.ephemeral}
    told = {"ephemeral": False, **member}
    if any(told.get(name) != asked[name] for name in asked.keys() - {"authority"}):
        raise WireError("bad_control_entry", "The member was not added as it asked to be")
    if newcomer.peer_id in roster.members:
        raise WireError("bad_control_entry", "The newcomer is a member already")
    people = any(one.kind == "human" for one in roster.members.values())
    most = authority.first_authority(newcomer.kind, founder=False, first_person=not people)
    if not authority.within(member.get("authority"), most):
        raise WireError("bad_control_entry", f"A newcomer of this kind is {most} at most")
