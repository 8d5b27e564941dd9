"""A port of this machine for what shall listen later, or never, or again after a while."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def held_port(host: str = "127.0.0.1") -> Iterator[int]:
    """One at which nothing listens, so that a connection is refused, and which nobody else is given for the length of the block.

    A port that was free a moment ago may be another's when it is wanted. This one stays bound, never listens, and has
    ``SO_REUSEADDR``: a server that has it too can listen beside it, as often as it likes.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, 0))
        yield held.getsockname()[1]
