"""Cutting an update into pieces that fit a message. Pure."""

from __future__ import annotations

from collections.abc import Callable

from chorus_tui.engine.protocol.messages.collab import PIECE

_SMALLEST = 6
"""Bytes that are passed on whatever they look like: too few for anything to be recognised in them."""


def pieces(data: bytes, passes: Callable[[bytes], bool]) -> list[bytes]:
    """The update in order, each piece as long as may be. A piece that looks like a secret in its encoding, by chance, would be
    redacted on its way and the update be lost: it is cut where it does not."""
    found = []
    while data:
        length = min(PIECE, len(data))
        while length > _SMALLEST and not passes(data[:length]):
            length //= 2
        found.append(data[:length])
        data = data[length:]
    return found
