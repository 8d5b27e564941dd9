"""The library dials nobody by itself, and no address twice.

Reasons: its auto-connector dials all peers it ever heard addresses of, even with both watermarks at 0, forgets them for
minutes after a failure, and would undo a forgotten peer. Opening a stream to a peer that has no connection dials it
too: a ping that met the end of its link made a new one at once, past the keeper's pause and a ban. The keeper decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from libp2p.network.exceptions import SwarmException


def leave_to_keeper(swarm: Any) -> None:
    """Switch the auto-connector, the repeated attempts and dialling for streams of one swarm off. Call before it runs."""
    swarm.auto_connector.maybe_connect = _connect_nobody
    swarm.auto_connector.run_background_task = _connect_nobody
    swarm.retry_config.max_retries = 0
    swarm.new_stream = _on_connections_only(swarm, swarm.new_stream)


def _on_connections_only(swarm: Any, new_stream: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    async def connected_only(peer_id: Any) -> Any:
        if not swarm.get_connections(peer_id):
            raise SwarmException(f"no connection to {peer_id}")
        return await new_stream(peer_id)

    return connected_only


async def _connect_nobody(*_arguments: Any) -> None:
    return
