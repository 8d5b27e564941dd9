"""The library dials nobody by itself, and no address twice.

Reason: its auto-connector dials all peers it ever heard addresses of, even with both watermarks at 0, forgets them for
minutes after a failure, and would undo a forgotten peer. The keeper decides.
"""

from __future__ import annotations

from typing import Any


def leave_to_keeper(swarm: Any) -> None:
    """Switch the auto-connector and the repeated attempts of one swarm off. Call before it runs."""
    swarm.auto_connector.maybe_connect = _connect_nobody
    swarm.auto_connector.run_background_task = _connect_nobody
    swarm.retry_config.max_retries = 0


async def _connect_nobody(*_arguments: Any) -> None:
    return
