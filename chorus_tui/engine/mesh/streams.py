"""Frames over a libp2p stream: 4-byte big-endian length, then the bytes.

The rule it keeps: a length is checked before a byte of the frame is read, and a stream that breaks or is cancelled in
the middle of a frame is never used again.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
import trio
from libp2p.network.stream.exceptions import StreamEOF

from chorus_tui.engine.mesh.hardening.streams import quiet_reset
from chorus_tui.engine.mesh.interface import MAX_FRAME, FrameTooLarge, StreamClosed
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger(__name__)

_LENGTH: Final = 4
_LINGER_S: Final = 5.0
_CHUNK: Final = 64 * 1024


class Libp2pStream:
    """One end of a stream; see :class:`chorus_tui.engine.mesh.interface.Stream`."""

    def __init__(self, stream: Any, nursery: trio.Nursery) -> None:
        self.peer_id = str(stream.muxed_conn.peer_id)
        self._stream = stream
        self._nursery = nursery
        self._writing = trio.Lock()
        self._finished = False
        self._ended = False
        self._broken = False
        self._closed = False

    async def send(self, frame: bytes) -> None:
        """Raises :class:`StreamClosed` or :class:`FrameTooLarge`."""
        if len(frame) > MAX_FRAME:
            raise FrameTooLarge(f"a frame of {len(frame)} bytes; {MAX_FRAME} are allowed")
        async with self._writing:
            if self._finished or self._broken or self._closed:
                raise StreamClosed("the stream is closed")
            whole = False
            try:
                await self._stream.write(len(frame).to_bytes(_LENGTH, "big") + frame)
                whole = True
            except Exception as error:
                raise StreamClosed(f"the other side is gone: {_words(error)}") from error
            finally:
                self._broken = self._broken or not whole

    async def receive(self, limit: int = MAX_FRAME) -> bytes | None:
        """The next frame, or None when the other side has finished."""
        if self._broken or self._closed:
            raise StreamClosed("the stream is closed")
        if self._ended:
            return None
        head = await self._read(_LENGTH, at_boundary=True)
        if head is None:
            self._ended = True
            return None
        length = int.from_bytes(head, "big")
        if length > limit:
            await self.reset()
            raise FrameTooLarge(f"a frame of {length} bytes; {limit} are allowed")
        return await self._read(length, at_boundary=False)

    async def finish(self) -> None:
        """Say that no more frames come from here; receiving goes on."""
        async with self._writing:
            if self._finished or self._broken:
                return
            self._finished = True
            try:
                await self._stream.close_write()
            except Exception as error:  # noqa: BLE001 - a stream that is gone has finished too
                log.debug("finish failed", peer=self.peer_id, reason=_words(error))

    async def close(self) -> None:
        """Give the stream up: what was sent still arrives, the rest of what comes is read and dropped."""
        if self._closed:
            return
        self._closed = True
        if self._broken:
            await self.reset()
            return
        with trio.move_on_after(1), trio.CancelScope(shield=True):
            await self.finish()
        if self._ended:
            await self._release()
        else:
            self._nursery.start_soon(self._linger)

    async def reset(self) -> None:
        """Break both directions."""
        self._broken = True
        with trio.move_on_after(1), trio.CancelScope(shield=True):
            await quiet_reset(self._stream)

    async def _read(self, wanted: int, *, at_boundary: bool) -> bytes | None:
        # The library's read_exactly gives up after 100 pieces, which a large frame in small segments takes.
        data = bytearray()
        whole = False
        try:
            while len(data) < wanted:
                data += await self._piece(min(wanted - len(data), _CHUNK))
            whole = True
        except StreamEOF as error:
            if at_boundary and not data and ended_well(self._stream):
                whole = True
                return None
            raise StreamClosed("the other side closed the stream") from error
        except Exception as error:
            raise StreamClosed(f"the other side is gone: {_words(error)}") from error
        finally:
            # Cancelled before the first byte, the stream is still at a boundary.
            self._broken = self._broken or not (whole or (at_boundary and not data))
        return bytes(data)

    async def _piece(self, most: int) -> bytes:
        piece: bytes = await self._stream.read(most)
        if not piece:
            raise StreamEOF
        return piece

    async def _linger(self) -> None:
        # A reset now could overtake the last frame, so read to the other side's end, for a while.
        with trio.move_on_after(_LINGER_S):
            try:
                while await self._stream.read(_CHUNK):
                    pass
                self._ended = True
            except StreamEOF:
                self._ended = True
            except Exception as error:  # noqa: BLE001 - nothing is left to lose
                log.debug("stream ended", peer=self.peer_id, reason=_words(error))
        await self._release()

    async def _release(self) -> None:
        with trio.move_on_after(1), trio.CancelScope(shield=True):
            if not self._ended:
                await quiet_reset(self._stream)
                return
            try:
                await self._stream.close()
            except Exception as error:  # noqa: BLE001 - nothing is left to lose
                log.debug("close failed", peer=self.peer_id, reason=_words(error))


def ended_well(stream: Any) -> bool:
    """Whether an end of ``stream`` is the other side's own: a reset and a lost connection read like one."""
    muxed = stream.muxed_stream
    return bool(muxed.recv_closed) and not muxed.reset_received and not muxed.conn.event_shutting_down.is_set()


def _words(error: BaseException) -> str:
    return beginning(str(error) or type(error).__name__, 200)
