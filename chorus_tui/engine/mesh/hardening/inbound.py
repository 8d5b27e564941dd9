"""An inbound connection's place is free again when the connection ends.

Reason: the library counts inbound connections against a limit, but holds each place until the whole node stops: after
as many as the limit in its lifetime (peers that restart, redial, or probe) a node takes nobody in any more.
"""

from __future__ import annotations

from typing import Any

import structlog
import trio
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.swarm import Swarm

log = structlog.get_logger(__name__)


async def _serve_inbound(self: Any, stream: Any, address: Any, _event: Any) -> None:
    # The listener closes the socket when this returns, so it lasts exactly as long as the connection.
    raw = RawConnection(stream, False)
    try:
        muxed = await self.upgrade_inbound_raw_conn(raw, address)
        await muxed.event_closed.wait()
    except Exception as error:  # noqa: BLE001 - a stranger's handshake fails in any way
        log.debug("inbound connection refused", reason=repr(error)[:200])
    finally:
        with trio.move_on_after(1), trio.CancelScope(shield=True):
            await raw.close()


def install() -> None:
    """Replace the library's method, which waits for the end of the node."""
    Swarm._do_handle_inbound_connection = _serve_inbound  # noqa: SLF001 - the patch itself
