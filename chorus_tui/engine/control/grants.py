"""What members were ever granted, by the control logs of every mesh known here: a fold.

What was said by somebody who had the right to say it stays when that right ends, and when its author leaves. So it is asked whether
a member had it at some time, which no order of arrival changes: what was granted once is never taken from what this fold knows.
"""

from __future__ import annotations

from collections.abc import Callable

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.authority import may
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.membership import Roster

_OF_MEMBERS = frozenset({entries.FOUNDED, entries.MEMBER_ADDED, entries.MEMBER_CHANGED, entries.MEMBER_RETIRED})


class Grants:
    """Who ever held which role, and who ever might propose. ``changes`` counts what the logs say of members."""

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        """Called when somebody may propose that never might."""
        self.roles: dict[str, set[str]] = {}
        self.proposed: set[str] = set()
        self.changes = 0
        self._rosters: dict[str, Roster] = {}

    def apply(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        roster = self._rosters.setdefault(entry.mesh_id, Roster())
        roster.apply(entry)
        if entry.type not in _OF_MEMBERS:
            return
        self.changes += 1
        for member in roster.members.values():
            if member.role:
                self.roles.setdefault(member.peer_id, set()).add(member.role)
        fresh = {peer for peer, member in roster.members.items() if may(member, "propose")} - self.proposed
        if fresh:
            self.proposed |= fresh
            self.on_change()

    def could_propose(self, peer_id: str) -> bool:
        """Whether its authority sufficed at some time: who may only read writes nothing, and what was written stays when its
        writer leaves. Nobody has any under a name that is another's."""
        return peer_id in self.proposed
