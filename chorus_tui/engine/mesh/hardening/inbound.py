"""An inbound connection's place is free again when the connection ends, and who shakes hands is bounded.

Reasons: the library counts inbound connections against a limit, but holds each place until the whole node stops: after
as many as the limit in its lifetime (peers that restart, redial, or probe) a node takes nobody in any more. And it takes
any number of connections that say nothing, each for ten seconds: the doorkeeper bounds them.
"""

from __future__ import annotations

from typing import Any

import structlog
import trio
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.swarm import Swarm

from chorus_tui.engine.mesh.doorkeeper import Doorkeeper, TurnedAway
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger(__name__)


def keep(swarm: Any, doorkeeper: Doorkeeper) -> None:
    """Let ``doorkeeper`` watch the door of a swarm that is about to run."""
    swarm.doorkeeper = doorkeeper


async def _serve_inbound(self: Any, stream: Any, address: Any, _event: Any) -> None:
    # The listener closes the socket when this returns, so it lasts exactly as long as the connection.
    raw = RawConnection(stream, False)
    try:
        muxed = await _shake_hands(self, raw, address)
        await muxed.event_closed.wait()
    except TurnedAway as away:
        log.debug("inbound connection turned away", reason=str(away))
    except Exception as error:  # noqa: BLE001 - a stranger's handshake fails in any way
        log.debug("inbound connection refused", reason=beginning(repr(error), 200))
    finally:
        with trio.move_on_after(1), trio.CancelScope(shield=True):
            await raw.close()


async def _shake_hands(swarm: Any, raw: RawConnection, address: Any) -> Any:
    doorkeeper: Doorkeeper | None = getattr(swarm, "doorkeeper", None)
    if doorkeeper is None:  # a host without one takes in whoever comes
        return await swarm.upgrade_inbound_raw_conn(raw, address)
    remote = raw.get_remote_address()
    with trio.CancelScope() as scope, doorkeeper.at_the_door(remote[0] if remote else "unknown", scope.cancel) as one:
        muxed = await swarm.upgrade_inbound_raw_conn(raw, address)
        one.done = True
        return muxed
    raise TurnedAway("made room for others")


def install() -> None:
    """Replace the library's method, which waits for the end of the node."""
    Swarm._do_handle_inbound_connection = _serve_inbound  # noqa: SLF001 - the patch itself
