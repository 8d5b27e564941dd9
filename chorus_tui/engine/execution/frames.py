"""The engine's stream format without I/O: a frame is a kind, three zero bytes, a 32-bit length, and data."""

from __future__ import annotations

from collections.abc import Iterator

from chorus_tui.engine.execution.errors import ExecutionError

HEADER = 8
STDOUT = 1
STDERR = 2


class BrokenStream(ExecutionError):
    """The bytes are no such stream."""

    reason = "docker_broken"


class FrameDecoder:
    """Feed it bytes as they come; it yields ``(kind, piece)``. A frame is passed on in pieces, never held whole."""

    def __init__(self) -> None:
        self._header = b""
        self._kind = 0
        self._left = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Decode ``data``; raises :class:`BrokenStream` for an unknown kind."""
        at = 0
        while at < len(data):
            if self._left == 0:
                take = HEADER - len(self._header)
                self._header += data[at : at + take]
                at += take
                if len(self._header) < HEADER:
                    return
                self._open(self._header)
                self._header = b""
                continue
            piece = data[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            yield self._kind, piece

    def _open(self, header: bytes) -> None:
        if header[0] not in {0, STDOUT, STDERR} or header[1:4] != b"\0\0\0":
            raise BrokenStream("the Docker Engine sent a frame of unknown kind")
        self._kind = header[0]
        self._left = int.from_bytes(header[4:], "big")
