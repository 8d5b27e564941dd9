"""Frames between voters, each over one long-lived stream a direction.

Raft bears loss, not delay: what cannot be sent at once is dropped, and the newest matters more than the oldest. A peer
that is out of reach costs a dial every few seconds, nothing else.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable

import structlog
import trio

from chorus_tui.engine.bell import Bell
from chorus_tui.engine.control import raft_wire
from chorus_tui.engine.mesh.interface import Mesh, MeshError, Stream
from chorus_tui.engine.protocol.canonical import WireError

log = structlog.get_logger("chorus.control.voters")

WAITING = 64
SEND_S = 5.0
IDLE_S = 60.0
MOST_REFUSED = 20
"""Frames of one stream that are refused before it is reset: each is a line in the log."""


class VoterStreams:
    """Posts frames and hands over those that come."""

    def __init__(self, mesh: Mesh, receive: Callable[[str, bytes], Awaitable[None]]) -> None:
        self._mesh = mesh
        self._receive = receive
        self._waiting: dict[str, deque[bytes]] = {}
        self._wake: dict[str, Bell] = {}
        self._nursery: trio.Nursery | None = None
        mesh.serve(raft_wire.PROTOCOL, self._serve)

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for peer_id in sorted(self._waiting):
                nursery.start_soon(self._speak, peer_id)
            await trio.sleep_forever()

    def post(self, peer_id: str, frame: bytes) -> None:
        """Send soon, or never."""
        if peer_id not in self._waiting:
            self._waiting[peer_id] = deque(maxlen=WAITING)
            self._wake[peer_id] = Bell()
            if self._nursery is not None:
                self._nursery.start_soon(self._speak, peer_id)
        self._waiting[peer_id].append(frame)
        self._wake[peer_id].ring()

    async def _speak(self, peer_id: str) -> None:
        while True:
            await self._wake[peer_id].rung(IDLE_S)
            if not self._waiting[peer_id]:
                del self._waiting[peer_id], self._wake[peer_id]
                return
            try:
                await self._stream(peer_id)
            except (MeshError, trio.TooSlowError) as error:
                log.debug("A voter is out of reach", peer=peer_id, reason=str(error))
                self._forget(peer_id)

    async def _stream(self, peer_id: str) -> None:
        stream = await self._mesh.open(peer_id, raft_wire.PROTOCOL, timeout=SEND_S)
        try:
            # One scope, whose deadline moves with each frame: to open another one costs as much as to send.
            with trio.CancelScope() as sending:
                while True:
                    while self._waiting[peer_id]:
                        sending.deadline = trio.current_time() + SEND_S
                        await stream.send(self._waiting[peer_id].popleft())
                    sending.deadline = math.inf
                    if not await self._wake[peer_id].rung(IDLE_S) and not self._waiting[peer_id]:
                        await stream.finish()
                        return
            raise trio.TooSlowError
        finally:
            with trio.CancelScope(deadline=trio.current_time() + 1.0, shield=True):
                await stream.close()

    def _forget(self, peer_id: str) -> None:
        """What waited is stale by the time the peer is back."""
        self._waiting[peer_id].clear()
        self._wake[peer_id] = Bell()

    async def _serve(self, stream: Stream) -> None:
        refused = 0
        while (raw := await stream.receive()) is not None:
            try:
                await self._receive(stream.peer_id, raw)
            except WireError as error:
                log.warning("A frame of a voter was refused", peer=stream.peer_id, reason=str(error))
                refused += 1
                if refused >= MOST_REFUSED:
                    raise
