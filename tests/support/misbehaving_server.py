"""A real HTTP server on a port of its own that misbehaves as it is told, byte by byte.

Each request takes the next behaviour of the list; the last one stays. A behaviour is a list of steps: bytes to send, a number
of seconds to wait, ``HANG`` (until the client goes) or ``CUT`` (end the connection in the middle).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import trio

HANG: Final = "hang"
CUT: Final = "cut"
Step = bytes | float | str
Behaviour = Sequence[Step]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came. Header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class MisbehavingServer:
    """What it does next, and what it saw."""

    behaviours: list[Behaviour]
    seen: list[Seen] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, stream: trio.SocketStream) -> None:
        """One connection, one request."""
        request = await read_request(stream)
        if request is None:
            return
        behaviour = self.behaviours[min(len(self.seen), len(self.behaviours) - 1)]
        self.seen.append(request)
        try:
            for step in behaviour:
                if isinstance(step, bytes):
                    await stream.send_all(step)
                elif isinstance(step, float):
                    await trio.sleep(step)
                elif step == HANG:
                    await stream.receive_some(1)
                elif step == CUT:
                    return
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The client went, which is its right.


@asynccontextmanager
async def serving(*behaviours: Behaviour) -> AsyncIterator[MisbehavingServer]:
    """A server for the length of a block."""
    server = MisbehavingServer(list(behaviours))
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), server.serve, 0)
        server.port = listeners[0].socket.getsockname()[1]
        yield server
        nursery.cancel_scope.cancel()


async def read_request(stream: trio.SocketStream) -> Seen | None:
    """One request, whole; None when the client went."""
    held = b""
    while b"\r\n\r\n" not in held:
        part = await stream.receive_some(65536)
        if not part:
            return None
        held += part
    top, _, body = held.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        part = await stream.receive_some(65536)
        if not part:
            return None
        body += part
    method, path, _ = first.split(" ")
    return Seen(method, path, headers, body)
