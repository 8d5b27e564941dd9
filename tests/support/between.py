"""Something between a client and a real service that can stop passing anything on: connections are taken, and nothing is ever answered."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

Dial = Callable[[], Awaitable[trio.abc.Stream]]
"""Opens a connection to the real service."""


class Between:
    """``first_at`` is when somebody came first, by trio's clock."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._flows = trio.Event()
        self._flows.set()
        self.first_at: float | None = None

    def hang(self) -> None:
        """From now on nothing passes, neither on new connections nor on those that are open."""
        self._flows = trio.Event()

    def go_on(self) -> None:
        """What waits passes, and all that comes."""
        self._flows.set()

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection."""
        self.first_at = trio.current_time() if self.first_at is None else self.first_at
        await self._flows.wait()
        try:
            service = await self._dial()
        except OSError:
            return  # as if there were no service
        async with service, trio.open_nursery() as nursery:
            nursery.start_soon(self._pass_on, stream, service)
            await self._pass_on(service, stream)
            nursery.cancel_scope.cancel()

    async def _pass_on(self, source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
        try:
            while data := await source.receive_some(65536):
                await self._flows.wait()
                await sink.send_all(data)
            if isinstance(sink, trio.abc.HalfCloseableStream):
                await sink.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # one of the two has gone, which ends the other


@asynccontextmanager
async def before_docker(path: Path, docker: str) -> AsyncIterator[Between]:
    """On a Unix socket at ``path``, before that of the Docker Engine."""
    listener = trio.socket.socket(socket.AF_UNIX)
    await listener.bind(str(path))
    listener.listen(64)
    made = Between(partial(trio.open_unix_socket, docker))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, made.serve, [trio.SocketListener(listener)])
        yield made
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def before_port(port: int, service: int) -> AsyncIterator[Between]:
    """On a port of this machine, before another one of it."""
    made = Between(partial(trio.open_tcp_stream, "127.0.0.1", service))
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), made.serve, port)
        yield made
        nursery.cancel_scope.cancel()
