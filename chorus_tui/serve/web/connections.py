"""How many connections are open at once. One more is told why, over HTTP, and closed; it is counted, and nothing of it is read.

A browser opens a few for the pages and one for each tab.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from aiohttp import web

from chorus_tui.contract.places import Places
from chorus_tui.serve.web import pages

PARTING_S: Final = 1.0
"""How long one that is refused may take to read why."""
PARTING: Final = 32
"""Refused ones that are still told why; beyond it they are cut without a word."""


@dataclass(slots=True)
class Connections:
    """Those of one server. ``on_refused`` is told each time one is not taken."""

    places: Places
    on_refused: Callable[[], None] = lambda: None
    refused: int = 0
    parting: int = 0

    def come(self, address: str) -> str:
        """Take one more of ``address``; why not, or an empty text."""
        if why := self.places.take(address):
            self.refused += 1
            self.on_refused()
        return why


class Connection(web.RequestHandler):
    """One that asks for a place before anything of it is read."""

    __slots__ = ("_address", "_connections", "_end")

    def __init__(self, connections: Connections, server: web.Server, idle_s: float) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), access_log=None, keepalive_timeout=idle_s)  # type: ignore[arg-type]  # None: no log
        self._connections = connections
        self._address: str | None = None
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As the stock one, or the end."""
        address = (transport.get_extra_info("peername") or ("unknown",))[0]
        why = self._connections.come(address)
        if why:
            self._refuse(cast("asyncio.Transport", transport), why)
            return
        self._address = address
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Of one that is refused nothing is looked at; it is read so that it is not cut while it reads."""
        if self._address is not None:
            super().data_received(data)

    def eof_received(self) -> None:
        """Nothing more comes."""
        if self._address is not None:
            super().eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Its place is free."""
        if self._address is not None:
            self._connections.places.leave(self._address)
            super().connection_lost(exc)
        elif self._end is not None:
            self._end.cancel()
            self._connections.parting -= 1

    def _refuse(self, transport: asyncio.Transport, why: str) -> None:
        if self._connections.parting >= PARTING:
            transport.abort()
            return
        self._connections.parting += 1
        body = pages.refusal(why).encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\nRetry-After: 5\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        transport.write(head.encode() + body)
        transport.write_eof()
        self._end = asyncio.get_running_loop().call_later(PARTING_S, transport.abort)


async def listen(
    server: web.Server, listener: socket.socket, connections: Connections, idle_s: float
) -> asyncio.AbstractServer:
    """Accept on ``listener``; one that asks for nothing for ``idle_s`` seconds is closed."""
    return await asyncio.get_running_loop().create_server(
        lambda: Connection(connections, server, idle_s), sock=listener
    )
