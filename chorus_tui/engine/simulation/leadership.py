"""E8: an admin that cannot reach a majority of the voters must stop saying that it leads."""

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

    def look(self, peer: Peer) -> None:
        """One running peer, now and then."""
        if not peer.control.is_admin or not self._alone(peer):
            self._since.pop(peer.name, None)
            return
        since = self._since.setdefault(peer.name, trio.current_time())
        alone, most = trio.current_time() - since, TIMEOUTS * peer.control.parameters["admin_timeout_s"] + SLACK_S
        if alone > most:
            text = f"{peer.name} says that it leads term {peer.control.term}, {alone:.0f} s after it lost its majority"
            self.world.broken("E8", text)

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
