"""Pings of linked peers, by libp2p's ping protocol. The library's own measures whole milliseconds and may hang.

A stream is kept between pings, as the protocol foresees: opening one costs some ten times what the ping itself does, and at rest
pings were most of what a peer computed. Who answers closes a stream that is silent for ten seconds; then another is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog
import trio
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID

from chorus_tui.engine.mesh.hardening.streams import quiet_reset
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger(__name__)

PROTOCOL: Final = TProtocol("/ipfs/ping/1.0.0")
AFRESH_S: Final = 60.0
"""Seconds after which a stream is opened anew: that the link still opens streams is to be seen too."""


@dataclass(slots=True)
class _Kept:
    stream: Any
    since: float
    """By trio's clock."""


class Pings:
    """The pings of one host. ``nursery`` outlives every ping."""

    def __init__(self, host: Any, nursery: trio.Nursery) -> None:
        self._host = host
        self._nursery = nursery
        self._kept: dict[str, _Kept] = {}

    async def measure(self, peer_id: str, limit: float, payload: bytes) -> float | None:
        """Seconds there and back, or None when nothing came within ``limit`` seconds.

        The exchange runs in a task of its own, because the library shields its cleaning up from cancellation: on a hung
        connection it would hold us longer than the limit.
        """
        seconds: float | None = None
        done, scope = trio.Event(), trio.CancelScope()

        async def exchange() -> None:
            nonlocal seconds
            with scope:
                try:
                    seconds = await self._exchange(peer_id, payload)
                except Exception as error:  # noqa: BLE001 - no answer, whatever the reason
                    log.debug("ping failed", peer=peer_id, reason=beginning(repr(error), 200))
            done.set()

        self._nursery.start_soon(exchange)
        with trio.move_on_after(limit):
            await done.wait()
        scope.cancel()
        return seconds

    def forget(self, peer_id: str) -> None:
        """Its link is gone, and the stream with it."""
        self._kept.pop(peer_id, None)

    async def _exchange(self, peer_id: str, payload: bytes) -> float:
        kept = self._kept.pop(peer_id, None)
        if kept is not None and trio.current_time() - kept.since < AFRESH_S:
            try:
                return await self._over(peer_id, kept, payload)
            except Exception as error:  # noqa: BLE001 - the other side may have closed it; a fresh one tells whether it lives
                log.debug("kept stream ended", peer=peer_id, reason=beginning(repr(error), 200))
        elif kept is not None:
            await _end(kept.stream)
        stream = await self._host.new_stream(ID.from_string(peer_id), [PROTOCOL])
        return await self._over(peer_id, _Kept(stream, trio.current_time()), payload)

    async def _over(self, peer_id: str, kept: _Kept, payload: bytes) -> float:
        whole = False
        try:
            began = trio.current_time()
            await kept.stream.write(payload)
            back = b""
            while len(back) < len(payload):
                more = await kept.stream.read(len(payload) - len(back))
                if not more:
                    raise ValueError("the stream ended before the answer")
                back += more
            seconds = trio.current_time() - began
            if back != payload:
                raise ValueError("the answer is not what was sent")
            whole = peer_id not in self._kept
        finally:
            # Not one that was left in the middle: a late answer would be taken for that of the next ping.
            if not whole:
                await _end(kept.stream)
        self._kept.setdefault(peer_id, kept)
        return seconds


async def _end(stream: Any) -> None:
    with trio.move_on_after(1), trio.CancelScope(shield=True):
        await quiet_reset(stream)
