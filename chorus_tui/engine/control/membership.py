"""Members, voters and parameters, computed from the log. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from chorus_tui.contract import ssh_key
from chorus_tui.engine.control import entries, parameters
from chorus_tui.engine.control.interface import Authority, ControlEntry, Member, Person
from chorus_tui.engine.control.voters import Seat, Voters, seats_of
from chorus_tui.engine.protocol.age_recipient import is_recipient
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.messages.keys import KEYRING, MOST_VERSIONS

MOST_KEYS = 8
"""Of one person."""


class _Person(BaseModel):
    peer_id: str
    agent_id: str
    kind: Literal["agent", "human"] = "agent"
    role: str = ""
    expertise: list[str] = []
    authority: Authority = "read_only"
    ephemeral: bool = False


class _Parameters(BaseModel):
    parameters: dict[str, Any] = {}


class _Refounds(BaseModel):
    mesh_id: str
    index: int
    head: str | None = None


class _Founded(_Parameters):
    founder: _Person
    voters: list[str] = Field(min_length=1)
    refounds: _Refounds | None = None


class _OtherMesh(BaseModel):
    mesh_id: str = Field(pattern="^[0-9a-f]{64}$")


class _Added(BaseModel):
    member: _Person


class _Retired(BaseModel):
    peer_id: str


class _Changed(BaseModel):
    peer_id: str
    role: str | None = None
    expertise: list[str] | None = None
    authority: Authority | None = None


class _VotersChanging(BaseModel):
    to: list[tuple[str, str]] = Field(min_length=1, max_length=7)


class RoleKey(BaseModel):
    """A keyring's next version, by the recipient that opens what is sealed to it."""

    keyring: str = Field(pattern=KEYRING, max_length=80)
    version: int = Field(ge=1, le=MOST_VERSIONS, strict=True)
    recipient: str

    @field_validator("recipient")
    @classmethod
    def _is_one(cls, recipient: str) -> str:
        if not is_recipient(recipient):
            raise ValueError("no age recipient")
        return recipient


class Rehearsal(BaseModel):
    """A secret was had back from three of the word lists of ``split``."""

    keyring: Literal["master"]
    version: int = Field(ge=1, le=MOST_VERSIONS, strict=True)
    split: int = Field(ge=0, le=0x7FFF, strict=True)


class Enrolment(BaseModel):
    """A key becomes a person's, who has this authority from now on."""

    person: str = Field(max_length=ssh_key.NAME_LENGTH)
    key: str = Field(max_length=256)
    authority: Authority

    @field_validator("person")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if ssh_key.person_name(name) != name:
            raise ValueError("not in its one form")
        return name

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, key: str) -> str:
        if ssh_key.signing_key(key) != key:
            raise ValueError("not in its one form")
        return key


class Withdrawn(BaseModel):
    """A key, or with an empty one every key, is a person's no more."""

    person: str = Field(max_length=ssh_key.NAME_LENGTH)
    key: str = Field(default="", max_length=256)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The newest rehearsal; ``at_ms`` by the clock of the admin that wrote it down."""

    version: int
    split: int
    at_ms: int


class _Empty(BaseModel):
    """No data."""


def _request_hash(request: Any) -> str:
    """Of what was signed; empty for what is no request of a member."""
    text = request.get("text") if isinstance(request, dict) else None
    return hashlib.sha256(text.encode()).hexdigest() if isinstance(text, str) else ""


_DATA: dict[str, type[BaseModel]] = {
    entries.FOUNDED: _Founded,
    entries.MEMBER_ADDED: _Added,
    entries.MEMBER_RETIRED: _Retired,
    entries.MEMBER_CHANGED: _Changed,
    entries.PARAMETERS_SET: _Parameters,
    entries.VOTERS_CHANGING: _VotersChanging,
    entries.VOTERS_CHANGED: _Empty,
    entries.ABSORB_OFFER: _OtherMesh,
    entries.ABSORBED_BY: _OtherMesh,
    entries.ROLE_KEY_SET: RoleKey,
    entries.RECOVERY_REHEARSED: Rehearsal,
    entries.PERSON_ENROLLED: Enrolment,
    entries.PERSON_WITHDRAWN: Withdrawn,
}


def check(type_: str, data: dict[str, Any]) -> None:
    """Whether ``data`` are those of the type; unknown types are not checked. Raises :class:`WireError`."""
    if type_ in _DATA:
        try:
            _DATA[type_].model_validate(data)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise WireError("bad_control_entry", f"{type_}: {where} is not valid") from None


@dataclass(slots=True)
class Roster:
    """Who belongs to one mesh, after the entries applied so far."""

    mesh_id: str = ""
    voters: Voters = field(default_factory=Voters)
    members: dict[str, Member] = field(default_factory=dict)
    stored_parameters: dict[str, Any] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    founder: str = ""
    """Who signed the founding entry."""
    refounds: str | None = None
    """The mesh this one was founded in place of, when that had lost its majority for good."""
    refounds_from: int = 0
    """The last entry of that mesh that its founder had."""
    offers: tuple[str, ...] = ()
    """Meshes that may come into this one."""
    absorbed_by: str | None = None
    """The mesh this one went into; nothing is decided here any more."""
    keyrings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By keyring the age recipients of its versions, the first one first; the last one is sealed to."""
    persons: dict[str, Person] = field(default_factory=dict)
    """Everybody who was ever enrolled, by name."""
    rehearsed: Rehearsed | None = None
    decided: set[str] = field(default_factory=set)
    """Members whose role or expertise a master decided: what they wish for themselves does not count any more."""
    used: set[str] = field(default_factory=set)
    """Hashes of the signed requests that entries acted on: each is good for one."""

    @property
    def parameters(self) -> dict[str, float]:
        """In force."""
        return parameters.effective(self.stored_parameters)

    @property
    def provisional(self) -> bool:
        """A mesh of one, which dissolves into the first other it meets."""
        return len(self.members) == 1 and self.refounds is None

    def has_used(self, request: Any) -> bool:
        """Whether an entry acted on this request before."""
        return _request_hash(request) in self.used

    def apply(self, entry: ControlEntry) -> None:
        """One committed entry, in log order. Unknown types are skipped, and those whose data are not of their type: by
        every peer alike. Without a founding entry there is no mesh: a bad one raises :class:`WireError`."""
        if used := _request_hash(entry.request):
            self.used.add(used)
        try:
            check(entry.type, entry.data)
        except WireError:
            if entry.type == entries.FOUNDED:
                raise
            return
        act = self._ACTS.get(entry.type)
        if act is not None:
            act(self, entry)

    def _found(self, entry: ControlEntry) -> None:
        self.mesh_id = entry.mesh_id
        nonce = str(entry.data.get("nonce", ""))
        self.voters = Voters(tuple(Seat(str(voter), nonce) for voter in entry.data.get("voters", ())))
        self.stored_parameters = dict(entry.data.get("parameters", {}))
        self.founder = entry.admin
        old = entry.data.get("refounds") or {}
        self.refounds, self.refounds_from = old.get("mesh_id"), int(old.get("index") or 0)
        self._add(entry, entry.data.get("founder"))

    def _joint(self, entry: ControlEntry) -> None:
        self.voters = Voters(seats_of(entry.data.get("to")), self.voters.before or self.voters.seats)

    def _single(self, _entry: ControlEntry) -> None:
        self.voters = Voters(self.voters.seats)

    def _offer(self, entry: ControlEntry) -> None:
        self.offers = tuple(sorted({*self.offers, entry.data["mesh_id"]}))

    def _go(self, entry: ControlEntry) -> None:
        self.absorbed_by = self.absorbed_by or entry.data["mesh_id"]

    def _set(self, entry: ControlEntry) -> None:
        self.stored_parameters |= dict(entry.data.get("parameters", {}))

    def _add(self, entry: ControlEntry, data: Any) -> None:
        if not isinstance(data, dict) or not isinstance(data.get("peer_id"), str):
            return
        name = str(data.get("agent_id", ""))
        others = [member for member in self.members.values() if member.peer_id != data["peer_id"]]
        clash = any(member.agent_id == name and not member.clash for member in others)
        member = Member(
            peer_id=data["peer_id"], agent_id=name, kind="human" if data.get("kind") == "human" else "agent",
            role=str(data.get("role", "")), expertise=tuple(str(item) for item in data.get("expertise", ())),
            authority=data.get("authority", "read_only"), joined_index=entry.index, clash=clash,
            ephemeral=data.get("ephemeral") is True,
        )  # fmt: skip
        self.members[member.peer_id] = member
        self.ever.add(member.peer_id)

    def _set_key(self, entry: ControlEntry) -> None:
        """The next version of a keyring; one that is not the next was refused by all."""
        key = RoleKey.model_validate(entry.data)
        versions = self.keyrings.get(key.keyring, ())
        if key.version == len(versions) + 1:
            self.keyrings = {**self.keyrings, key.keyring: (*versions, key.recipient)}

    def _rehearse(self, entry: ControlEntry) -> None:
        told = Rehearsal.model_validate(entry.data)
        self.rehearsed = Rehearsed(told.version, told.split, entries.said_at_ms(entry.hlc))

    def holder(self, key: str) -> str:
        """The person whose key it is now; empty when it is nobody's."""
        return next((person.name for person in self.persons.values() if key in person.keys), "")

    def _enrol(self, entry: ControlEntry) -> None:
        """One more key. It is nobody else's: who holds it would have two votes."""
        said = Enrolment.model_validate(entry.data)
        known = self.persons.get(said.person) or Person(said.person, said.authority, ())
        if self.holder(said.key) not in ("", said.person) or len({*known.keys, said.key}) > MOST_KEYS:
            return
        keys = (*(key for key in known.keys if key != said.key), said.key)
        former = tuple(key for key in known.former if key != said.key)
        self.persons = {**self.persons, said.person: Person(said.person, said.authority, keys, former)}

    def _withdraw(self, entry: ControlEntry) -> None:
        said = Withdrawn.model_validate(entry.data)
        known = self.persons.get(said.person)
        if known is None:
            return
        gone = tuple(key for key in known.keys if said.key in ("", key))
        keys = tuple(key for key in known.keys if key not in gone)
        former = (*known.former, *gone)[-MOST_KEYS:]
        self.persons = {**self.persons, said.person: replace(known, keys=keys, former=former)}

    def _masters(self) -> list[Member]:
        return [member for member in self.members.values() if member.authority == "master"]

    def _change(self, entry: ControlEntry) -> None:
        """The last master stays one."""
        data = entry.data
        member = self.members.get(str(data.get("peer_id")))
        if member is None:
            return
        authority: Authority = data.get("authority") or member.authority
        if authority != "master" and self._masters() == [member]:
            authority = "master"
        role, expertise = data.get("role"), data.get("expertise")
        if (role is not None or expertise is not None) and data.get("wished") is not True:
            self.decided.add(member.peer_id)
        self.members[member.peer_id] = replace(
            member, authority=authority, role=member.role if role is None else role,
            expertise=member.expertise if expertise is None else tuple(expertise),
        )  # fmt: skip

    def _retire(self, entry: ControlEntry) -> None:
        """The last master is never retired: nobody could grant anything any more. Nor is a voter, before another votes in
        its place."""
        peer_id = str(entry.data.get("peer_id"))
        gone = self.members.get(peer_id)
        if gone is None or self._masters() == [gone] or any(seat.peer_id == peer_id for seat in self.voters.everyone):
            return
        del self.members[peer_id]
        holders = [member for member in self.members.values() if member.agent_id == gone.agent_id]
        if not gone.clash and holders:
            first = min(holders, key=lambda member: member.joined_index)
            self.members[first.peer_id] = replace(first, clash=False)

    _ACTS: ClassVar[dict[str, Callable[[Roster, ControlEntry], None]]] = {
        entries.FOUNDED: _found,
        entries.MEMBER_ADDED: lambda roster, entry: roster._add(entry, entry.data.get("member")),  # noqa: SLF001 - itself
        entries.MEMBER_RETIRED: _retire,
        entries.MEMBER_CHANGED: _change,
        entries.VOTERS_CHANGING: _joint,
        entries.VOTERS_CHANGED: _single,
        entries.ABSORB_OFFER: _offer,
        entries.ABSORBED_BY: _go,
        entries.PARAMETERS_SET: _set,
        entries.ROLE_KEY_SET: _set_key,
        entries.RECOVERY_REHEARSED: _rehearse,
        entries.PERSON_ENROLLED: _enrol,
        entries.PERSON_WITHDRAWN: _withdraw,
    }
