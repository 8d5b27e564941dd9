"""One connection: what is no HTTP, or too long to be taken as HTTP, is refused with a problem as well, and so is one too many.

The library answers such requests itself, before any route is found, in plain text and always with 400; and it takes any number.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from chorus_tui.contract.places import Places
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.problems import problem_response

MAX_HEAD = 8190
"""Bytes of the request line, and of each header."""
MOST = 512
"""Connections of one TCP door at once, half of them from one address."""


class _Connection(web.RequestHandler):
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A problem instead of plain text; the connection ends."""
        answer = super().handle_error(request, status, exc, message)
        if status >= 500:
            problem = Problem(500, "internal", "The engine made an error")
        elif isinstance(exc, LineTooLong):
            problem = Problem(
                431, "head-too-large", "The head of the request is too large", f"A line has {MAX_HEAD} bytes at most."
            )
        else:
            problem = Problem(400, "no-http", "This is no request that can be read")
        said = problem_response(problem)
        if answer.keep_alive is False:
            said.force_close()
        return said


class _Counted(_Connection):
    """One that asks for a place before anything of it is read; ``refused`` is told when there is none."""

    __slots__ = ("_address", "_places", "_refused")

    def __init__(self, places: Places, refused: Callable[[], None], server: web.Server, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._places = places
        self._refused = refused
        self._address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As the stock one, or the end."""
        address = (transport.get_extra_info("peername") or ("unknown",))[0]
        if why := self._places.take(address):
            self._refused()
            _part(cast("asyncio.Transport", transport), why)
            return
        self._address = address
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Nothing of one that is refused."""
        if self._address is not None:
            super().data_received(data)

    def eof_received(self) -> None:
        """Nothing more comes."""
        if self._address is not None:
            super().eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Its place is free."""
        if self._address is not None:
            self._places.leave(self._address)
            super().connection_lost(exc)


def _part(transport: asyncio.Transport, why: str) -> None:
    """Say why and close; nobody is waited for."""
    said = problem_response(Problem(503, "too-many-connections", "There are too many connections", why))
    body = cast("bytes", said.body)
    head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {said.content_type}\r\nRetry-After: 5\r\n"
    transport.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    transport.close()


async def listen(
    server: web.Server, listener: socket.socket, idle_s: float, refused: Callable[[], None]
) -> asyncio.AbstractServer:
    """Accept on ``listener``; a connection that says nothing for ``idle_s`` seconds is closed.

    Over TCP there are :data:`MOST` at once; ``refused`` is told of each further one. Who comes through the Unix socket owns the engine.
    """
    loop = asyncio.get_running_loop()

    # Nothing is logged a request: what matters is counted.
    silent = logging.getLogger("chorus.access")
    silent.disabled = True

    settings: dict[str, Any] = {
        "loop": loop,
        "access_log": silent,
        "keepalive_timeout": idle_s,
        "max_line_size": MAX_HEAD,
        "max_field_size": MAX_HEAD,
    }
    places = Places(MOST)

    def accept() -> _Connection:
        if listener.family == socket.AF_UNIX:
            return _Connection(server, **settings)
        return _Counted(places, refused, server, **settings)

    return await loop.create_server(accept, sock=listener)
