"""What one connection may hold here, and how fast it may bring it.

Reasons. The library announces a window of 256 KiB a stream and then takes whatever comes: a peer that ignores the window
fills the memory. It takes any number of streams, each with its buffers and tasks, long before a handler could refuse one.
It reads frames as fast as they come, so that one peer's empty frames take all the time there is. And the words by which two
sides agree on a protocol may have any length that the other side announces.

What goes beyond the window ends the connection: no implementation does that by mistake. Too many streams are reset. Too many
frames only wait: a fast peer is no bad one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import libp2p.protocol_muxer.multiselect_communicator as words_module
import libp2p.stream_muxer.yamux.yamux as yamux_module
import structlog
import trio
from libp2p.abc import IMuxedStream
from libp2p.exceptions import ParseError
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.io.utils import read_exactly
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.stream_muxer.yamux.yamux import HEADER_SIZE, Yamux
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

from chorus_tui.engine.mesh.conduct import Conduct
from chorus_tui.engine.mesh.hardening.streams import quiet_reset
from chorus_tui.engine.mesh.hardening.yamux import cut
from chorus_tui.engine.mesh.limits import FRAMES_PER_SECOND, INBOUND_STREAMS, STREAMS_PER_SECOND, Allowance

log = structlog.get_logger(__name__)

WINDOW: Final = 512 * 1024
"""Bytes a stream may hold unread: the window, and as much again for credit that is under way."""
WORDS: Final = 1024
"""Bytes of one word of the agreement on a protocol; ids are far shorter."""
WAIT_S: Final = 0.05
"""Seconds a connection that brings frames too fast waits between looks."""

_make_yamux = Yamux.__init__
_handle = SwarmConn._handle_muxed_stream  # noqa: SLF001 - the patch itself


class Buffer(bytearray):
    """What a stream holds unread. Raises ``ConnectionClosedError`` beyond :data:`WINDOW`, with the connection cut."""

    muxed: Any = None

    def extend(self, data: Any) -> None:
        """As the list's; bounded."""
        if len(self) + len(data) > WINDOW:
            log.warning("peer ignores the window of a stream, closing its connection", peer=str(self.muxed.peer_id))
            cut(self.muxed)
            raise ConnectionClosedError("the peer ignores the window")
        super().extend(data)


class Buffers(dict[int, bytearray]):
    """The buffers of one connection, each bounded."""

    def __init__(self, muxed: Any) -> None:
        super().__init__()
        self._muxed = muxed

    def __setitem__(self, stream_id: int, _empty: bytearray) -> None:
        buffer = Buffer()
        buffer.muxed = self._muxed
        super().__setitem__(stream_id, buffer)


def watch(swarm: Any, conduct: Conduct) -> None:
    """Tell ``conduct`` of what the peers of a swarm do too much of. Call before it runs."""
    swarm.conduct = conduct
    swarm.inbound_streams = {}


def forget(swarm: Any, peer_id: str) -> None:
    """The peer has disconnected."""
    swarm.inbound_streams.pop(peer_id, None)


class Pace:
    """How fast one connection may bring frames. ``waited`` is called whenever it has to wait."""

    def __init__(self, muxed: Any) -> None:
        self.muxed = muxed
        self.waited: Callable[[], None] = lambda: None
        self._allowance = Allowance(FRAMES_PER_SECOND, 4 * FRAMES_PER_SECOND, trio.current_time)

    async def keep(self) -> None:
        """Wait until one more frame may be read."""
        if self._allowance.take(1):
            return
        self.waited()
        while not self._allowance.take(1):  # noqa: ASYNC110 - what comes is time
            await trio.sleep(WAIT_S)


class _Inbound:
    """The streams one peer has opened."""

    def __init__(self) -> None:
        self.open = 0
        self.rate = Allowance(STREAMS_PER_SECOND, 10 * STREAMS_PER_SECOND, trio.current_time)


async def _handle_bounded(self: Any, muxed_stream: IMuxedStream) -> None:
    conduct: Conduct | None = getattr(self.swarm, "conduct", None)
    if conduct is None:  # a host that nobody watches bounds nothing
        await _handle(self, muxed_stream)
        return
    peer_id = str(self.muxed_conn.peer_id)
    inbound: _Inbound = self.swarm.inbound_streams.setdefault(peer_id, _Inbound())
    refusal = "too many streams" if inbound.open >= INBOUND_STREAMS else ""
    refusal = refusal or ("" if inbound.rate.take(1) else "streams too fast")
    if refusal:
        conduct.refused(peer_id, refusal)
        await quiet_reset(muxed_stream)
        return
    inbound.open += 1
    self.muxed_conn.pace.waited = conduct.throttled
    try:
        await _handle(self, muxed_stream)
    finally:
        inbound.open -= 1


def _make_bounded(self: Any, *arguments: Any, **options: Any) -> None:
    _make_yamux(self, *arguments, **options)
    self.stream_buffers = Buffers(self)
    self.pace = self.secured_conn.pace = Pace(self)


async def _read_paced(connection: Any, size: int) -> bytes:
    """The library's, which reads a header before each frame: that is where a connection waits. A frame's body is bounded too."""
    pace: Pace = connection.pace
    if size > WINDOW:
        cut(pace.muxed)
        raise ConnectionClosedError("the peer announces a frame larger than any window")
    if size == HEADER_SIZE:
        await pace.keep()
    return bytes(await read_exactly(connection, size))


async def _read_word(reader: Any) -> bytes:
    """The library's, bounded before a byte of the word is read."""
    word = bytes(await read_varint_prefixed_bytes_limited(reader, WORDS))
    if word[-1:] != b"\n":
        raise ParseError("a word of the agreement ends with a new line")
    return word[:-1]


def install() -> None:
    """Put the bounded ones in the library's place."""
    Yamux.__init__ = _make_bounded
    SwarmConn._handle_muxed_stream = _handle_bounded  # noqa: SLF001 - the patch itself
    yamux_module.read_exactly = _read_paced
    words_module.read_delim = _read_word
