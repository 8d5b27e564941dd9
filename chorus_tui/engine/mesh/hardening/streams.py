"""A stream that fails costs itself, nothing more.

Reason: an exception in a stream handler, or in the negotiation before it, passes every nursery of the library and ends
the whole node.
"""

from __future__ import annotations

from typing import Any

import structlog
import trio

from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger(__name__)


def guard(host: Any) -> None:
    """Wrap the handler of inbound streams. Call when the host runs."""
    inner = host._swarm_stream_handler  # noqa: SLF001 - there is no public place for it

    async def guarded(stream: Any) -> None:
        try:
            await inner(stream)
        except Exception as error:  # noqa: BLE001 - that is the point
            log.debug("inbound stream failed", peer=str(stream.muxed_conn.peer_id), reason=beginning(repr(error), 200))
            with trio.move_on_after(1), trio.CancelScope(shield=True):
                await quiet_reset(stream)

    host.get_network().set_stream_handler(guarded)


async def quiet_reset(stream: Any) -> None:
    """Reset a stream that may be broken already."""
    try:
        await stream.reset()
    except Exception as error:  # noqa: BLE001 - nothing is left to lose
        log.debug("reset failed", reason=beginning(repr(error), 200))
