"""Yamux: credit in large steps, and frames that are written whole or not at all.

Reasons. The library answers every read, even that of a single length byte, with an encrypted window update: about ten
for each gossip frame, the largest single cost of a message. Here credit is returned when half the window was read; the
window no longer grows beyond 256 KiB, which a mesh of small messages does not need.

A task cancelled while it writes leaves half an encrypted frame on the wire, and the whole connection reads noise from
there on. So a write is shielded, but has a deadline: a peer that takes nothing for that long is cut off, since the
library itself would wait for ever.

That reading is also where it is noted that the peer was heard.
"""

from __future__ import annotations

import math
from typing import Any, Final

import trio
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.stream_muxer.yamux.yamux import Yamux, YamuxStream

WRITE_DEADLINE: Final = 12.0
"""Seconds one frame may take to reach the socket's buffer."""


async def _return_credit(self: Any, *, bytes_read: int = 0) -> None:
    if bytes_read:
        self.muxed_conn.heard_at = trio.current_time()
    self._pending_recv_release += bytes_read
    pending = self._pending_recv_release
    if pending >= self.target_recv_window // 2:
        self._pending_recv_release = 0
        self.recv_window += pending
        await self.send_window_update(pending)


async def _write_frame(self: Any, data: bytes) -> None:
    async with self._write_lock:
        with trio.CancelScope(deadline=trio.current_time() + WRITE_DEADLINE, shield=True) as scope:
            await self.secured_conn.write(data)
    if scope.cancelled_caught:
        cut(self)
        raise ConnectionClosedError("connection closed: the peer takes no data")
    await trio.lowlevel.checkpoint()


def heard_at(muxed: Any) -> float:
    """When a stream of that connection was last read and had something, by trio's clock; minus infinity before the first time."""
    return float(getattr(muxed, "heard_at", -math.inf))


def cut(muxed: Any) -> None:
    """Close the socket beneath a connection at once, without a word to the peer. Blocked tasks wake."""
    inner = muxed.secured_conn
    for name in ("conn", "read_writer", "read_write_closer"):
        inner = getattr(inner, name, inner)
    stream = inner.stream.stream
    stream.socket.close()


def install() -> None:
    """Replace both methods."""
    YamuxStream._auto_tune_and_send_window_update = _return_credit  # noqa: SLF001 - the patch itself
    Yamux._write_frame = _write_frame  # noqa: SLF001 - the patch itself
