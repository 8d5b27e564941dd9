"""Members, voters and parameters, computed from the log. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from chorus_tui.engine.control import entries, parameters
from chorus_tui.engine.control.interface import Authority, ControlEntry, Member
from chorus_tui.engine.protocol.canonical import WireError


class _Person(BaseModel):
    peer_id: str
    agent_id: str
    kind: Literal["agent", "human"] = "agent"
    role: str = ""
    expertise: list[str] = []
    authority: Authority = "read_only"


class _Parameters(BaseModel):
    parameters: dict[str, Any] = {}


class _Founded(_Parameters):
    founder: _Person
    voters: list[str] = Field(min_length=1)


class _Added(BaseModel):
    member: _Person


class _Retired(BaseModel):
    peer_id: str


_DATA: dict[str, type[BaseModel]] = {
    entries.FOUNDED: _Founded,
    entries.MEMBER_ADDED: _Added,
    entries.MEMBER_RETIRED: _Retired,
    entries.PARAMETERS_SET: _Parameters,
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
    voters: tuple[str, ...] = ()
    members: dict[str, Member] = field(default_factory=dict)
    stored_parameters: dict[str, Any] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)

    @property
    def parameters(self) -> dict[str, float]:
        """In force."""
        return parameters.effective(self.stored_parameters)

    @property
    def provisional(self) -> bool:
        """A mesh of one, which dissolves into the first other it meets."""
        return len(self.members) == 1

    def apply(self, entry: ControlEntry) -> None:
        """One committed entry, in log order. Unknown types are skipped, and those whose data are not of their type: by
        every peer alike. Without a founding entry there is no mesh: a bad one raises :class:`WireError`."""
        try:
            check(entry.type, entry.data)
        except WireError:
            if entry.type == entries.FOUNDED:
                raise
            return
        if entry.type == entries.FOUNDED:
            self.mesh_id = entry.mesh_id
            self.voters = tuple(str(voter) for voter in entry.data.get("voters", ()))
            self.stored_parameters = dict(entry.data.get("parameters", {}))
            self._add(entry, entry.data.get("founder"))
        elif entry.type == entries.MEMBER_ADDED:
            self._add(entry, entry.data.get("member"))
        elif entry.type == entries.MEMBER_RETIRED:
            self._retire(str(entry.data.get("peer_id")))
        elif entry.type == entries.PARAMETERS_SET:
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
        )  # fmt: skip
        self.members[member.peer_id] = member
        self.ever.add(member.peer_id)

    def _retire(self, peer_id: str) -> None:
        """The last master is never retired: nobody could grant anything any more."""
        gone = self.members.get(peer_id)
        masters = [member for member in self.members.values() if member.authority == "master"]
        if gone is None or masters == [gone]:
            return
        del self.members[peer_id]
        holders = [member for member in self.members.values() if member.agent_id == gone.agent_id]
        if not gone.clash and holders:
            first = min(holders, key=lambda member: member.joined_index)
            self.members[first.peer_id] = replace(first, clash=False)
