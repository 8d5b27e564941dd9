"""One ping of a peer, by libp2p's ping protocol. The library's own measures whole milliseconds and may hang."""

from __future__ import annotations

from typing import Any, Final

import structlog
import trio
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID

from chorus_tui.engine.mesh.hardening.streams import quiet_reset

log = structlog.get_logger(__name__)

PROTOCOL: Final = TProtocol("/ipfs/ping/1.0.0")


async def ping(host: Any, nursery: trio.Nursery, peer_id: str, limit: float, payload: bytes) -> float | None:
    """Seconds there and back, or None within ``limit``.

    The exchange runs in a task of its own, because the library shields its cleaning up from cancellation: on a hung
    connection it would hold us longer than the limit.
    """
    answer: list[float] = []
    done = trio.Event()
    scope = trio.CancelScope()

    async def exchange() -> None:
        with scope:
            try:
                answer.append(await _exchange(host, peer_id, payload))
            except Exception as error:  # noqa: BLE001 - no answer, whatever the reason
                log.debug("ping failed", peer=peer_id, reason=repr(error)[:200])
        done.set()

    nursery.start_soon(exchange)
    with trio.move_on_after(limit):
        await done.wait()
    scope.cancel()
    return answer[0] if answer else None


async def _exchange(host: Any, peer_id: str, payload: bytes) -> float:
    stream = await host.new_stream(ID.from_string(peer_id), [PROTOCOL])
    try:
        began = trio.current_time()
        await stream.write(payload)
        back = b""
        while len(back) < len(payload):
            back += await stream.read(len(payload) - len(back))
        if back != payload:
            raise ValueError("the answer is not what was sent")
        return trio.current_time() - began
    finally:
        with trio.move_on_after(1), trio.CancelScope(shield=True):
            await quiet_reset(stream)
