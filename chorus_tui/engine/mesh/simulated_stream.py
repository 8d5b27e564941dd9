"""A simulated stream: frames in order, delayed, held while the path is cut, lost when the link breaks.

The rule it keeps: like TCP, it never loses or reorders a frame while the link stands, and the sender is held back when
the receiver does not read.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import trio

from chorus_tui.engine.mesh.interface import MAX_FRAME, FrameTooLarge, StreamClosed

if TYPE_CHECKING:
    from chorus_tui.engine.mesh.simulated import SimulatedNetwork
    from chorus_tui.engine.mesh.simulated_mesh import SimulatedMesh

WINDOW = 64
"""Frames on their way or unread in one direction before the sender waits."""
RETRY_S = 0.05
"""How often frames held by a cut look whether the path is back."""


class Pipe:
    """One direction of a stream, from ``source`` to ``target``."""

    def __init__(self, network: SimulatedNetwork, source: SimulatedMesh, target: SimulatedMesh) -> None:
        self._network = network
        self._source = source
        self._target = target
        self._transit: deque[tuple[float, bytes | None]] = deque()
        self._arrived: deque[bytes] = deque()
        self._last_due = 0.0
        self._ended = False
        self._finished = False
        self._changed = trio.lowlevel.ParkingLot()
        self.broken = False

    async def send(self, frame: bytes) -> None:
        """Hand over one frame; waits while the window is full."""
        if len(frame) > MAX_FRAME:
            raise FrameTooLarge(f"a frame of {len(frame)} bytes; {MAX_FRAME} are allowed")
        await trio.lowlevel.checkpoint()
        while len(self._transit) + len(self._arrived) >= WINDOW and not self.broken:
            await self._changed.park()
        if self.broken or self._finished:
            raise StreamClosed("the stream is closed")
        self._dispatch(frame)

    def finish(self) -> None:
        """Nothing more comes in this direction."""
        if not self._finished and not self.broken:
            self._finished = True
            self._dispatch(None)

    async def receive(self, limit: int) -> bytes | None:
        """The next frame; None at the end."""
        if self._arrived or self._ended or self.broken:  # who has to wait gives way to others by that
            await trio.lowlevel.checkpoint()
        while not self._arrived and not self._ended and not self.broken:
            await self._changed.park()
        if self._arrived:
            frame = self._arrived.popleft()
            self._changed.unpark_all()
            if len(frame) > limit:
                self.abort()
                raise FrameTooLarge(f"a frame of {len(frame)} bytes; {limit} are allowed")
            return frame
        if self._ended:
            return None
        raise StreamClosed("the other side closed the stream")

    def abort(self) -> None:
        """The link or one end is gone: whoever waits learns it now. What has arrived may still be read."""
        if not self.broken:
            self.broken = True
            self._transit.clear()
            self._changed.unpark_all()

    def _dispatch(self, frame: bytes | None) -> None:
        due = max(self._last_due, trio.current_time() + self._network.stream_delay())
        self._last_due = due
        self._transit.append((due, frame))
        self._target.wire.at(due, self._arrive)

    def _arrive(self) -> None:
        now = trio.current_time()
        while self._transit and self._transit[0][0] <= now and not self.broken:
            if self._network.is_cut(self._source.peer_id, self._target.peer_id):
                self._target.wire.at(now + RETRY_S, self._arrive)
                return
            frame = self._transit.popleft()[1]
            if frame is None:
                self._ended = True
            else:
                self._arrived.append(frame)
            self._changed.unpark_all()


class SimulatedStream:
    """One end of a stream; see :class:`chorus_tui.engine.mesh.interface.Stream`."""

    def __init__(self, peer_id: str, outgoing: Pipe, incoming: Pipe) -> None:
        self.peer_id = peer_id
        self._outgoing = outgoing
        self._incoming = incoming

    async def send(self, frame: bytes) -> None:
        """Raises :class:`StreamClosed` or :class:`FrameTooLarge`."""
        await self._outgoing.send(frame)

    async def receive(self, limit: int = MAX_FRAME) -> bytes | None:
        """The next frame, or None when the other side has finished."""
        return await self._incoming.receive(limit)

    async def finish(self) -> None:
        """Say that no more frames come from here; receiving goes on."""
        await trio.lowlevel.checkpoint()
        self._outgoing.finish()

    async def close(self) -> None:
        """Give the stream up: what is still on its way out arrives, nothing more is read here. Safe to call twice."""
        self.close_now()
        await trio.lowlevel.checkpoint()

    def close_now(self) -> None:
        """As :meth:`close`, without waiting."""
        self._outgoing.finish()
        self._incoming.abort()

    def reset(self) -> None:
        """Break both directions at once, as a lost link does."""
        self._outgoing.abort()
        self._incoming.abort()

    @property
    def over(self) -> bool:
        """Whether neither direction can carry anything any more."""
        return self._outgoing.broken and self._incoming.broken
