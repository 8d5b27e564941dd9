"""Who leads, seen from outside.

E8: an admin that cannot reach a majority of the voters must stop saying that it leads. E11: while nothing goes wrong the
admin stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from chorus_tui.engine.simulation.peer import Peer
from chorus_tui.engine.simulation.world import World

TIMEOUTS = 2
"""Within so many of the mesh's time-outs: one until it is due to look, one since it last heard a majority."""
SLACK_S = 6.0
"""For a disk that is slow just then."""


@dataclass(slots=True)
class Leadership:
    """Since when each admin has been alone."""

    world: World
    _since: dict[str, float] = field(default_factory=dict)
    _terms: dict[str, int] = field(default_factory=dict)
    """Of runs in which nothing goes wrong: the newest term of each mesh."""

    def look(self, peer: Peer) -> None:
        """One running peer, now and then."""
        if self.world.met and self.world.options.calm:
            self._stays(peer)
        if not peer.control.is_admin or not self._alone(peer):
            self._since.pop(peer.name, None)
            return
        since = self._since.setdefault(peer.name, trio.current_time())
        alone, most = trio.current_time() - since, TIMEOUTS * peer.control.parameters["admin_timeout_s"] + SLACK_S
        if alone > most:
            text = f"{peer.name} says that it leads term {peer.control.term}, {alone:.0f} s after it lost its majority"
            self.world.broken("E8", text)

    def _stays(self, peer: Peer) -> None:
        mesh_id, term = peer.control.mesh_id, peer.control.term
        if mesh_id is not None and peer.control.is_admin:
            self.world.invariants.stays(mesh_id, (self._terms.setdefault(mesh_id, term), term))

    def forget(self, name: str) -> None:
        """A stopped process says nothing; it is given its time anew."""
        self._since.pop(name, None)

    def _alone(self, peer: Peer) -> bool:
        cut = self.world.network.is_cut
        here = [
            other.peer_id
            for other in self.world.running()
            if not cut(peer.peer_id, other.peer_id) and not cut(other.peer_id, peer.peer_id)
        ]
        log = peer.control.log
        return log is not None and not log.roster.voters.majority_of_peers(here)
