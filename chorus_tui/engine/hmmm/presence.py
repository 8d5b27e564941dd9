"""Which rooms this peer listens to live. Topics are few, so it is only where it takes part, is called, or somebody looks.

What is said elsewhere comes all the same, by replication, only later.
"""

from __future__ import annotations

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.mesh.interface import Mesh, MeshError
from chorus_tui.engine.protocol import topics

TAKES_PART_S = 1800.0
CALLED_S = 1800.0
LOOKS_S = 60.0
MOST_ROOMS = 24


class Presence:
    """Of one peer."""

    def __init__(self, mesh: Mesh, clock: Clock) -> None:
        self._mesh = mesh
        self._clock = clock
        self._until: dict[str, float] = {}
        self._joined: set[str] = set()

    def stay(self, issue_id: str, seconds: float) -> None:
        """Listen to a room for so long at least."""
        until = self._clock.monotonic() + seconds
        self._until[issue_id] = max(until, self._until.get(issue_id, 0.0))

    @property
    def rooms(self) -> frozenset[str]:
        """Rooms that are listened to."""
        return frozenset(self._joined)

    async def follow(self) -> None:
        """Join and leave as is wanted now; the rooms wanted longest stay."""
        now = self._clock.monotonic()
        self._until = {room: until for room, until in self._until.items() if until > now}
        wanted = set(sorted(self._until, key=lambda room: self._until[room], reverse=True)[:MOST_ROOMS])
        for room in sorted(self._joined - wanted):
            await self._mesh.leave(topics.room(room))
            self._joined.discard(room)
        for room in sorted(wanted - self._joined):
            try:
                await self._mesh.join(topics.room(room))
            except MeshError:
                return  # no room left among the topics: replication brings it
            self._joined.add(room)
