"""Members, voters and parameters, computed from the log. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from chorus_tui.engine.control import entries, parameters
from chorus_tui.engine.control.interface import ControlEntry, Member


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
        """One committed entry, in log order. Unknown types are skipped."""
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
        clash = any(member.agent_id == name and not member.clash for member in self.members.values())
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
