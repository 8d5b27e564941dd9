"""One connection: what is no HTTP, or too long to be taken as HTTP, is refused with a problem as well.

The library answers such requests itself, before any route is found, in plain text and always with 400.
"""

from __future__ import annotations

import asyncio
import logging
import socket

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.problems import problem_response

MAX_HEAD = 8190
"""Bytes of the request line, and of each header."""


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


async def listen(server: web.Server, listener: socket.socket, idle_s: float) -> asyncio.AbstractServer:
    """Accept on ``listener``; a connection that says nothing for ``idle_s`` seconds is closed."""
    loop = asyncio.get_running_loop()

    # Nothing is logged a request: what matters is counted.
    silent = logging.getLogger("chorus.access")
    silent.disabled = True

    def accept() -> _Connection:
        return _Connection(
            server,
            loop=loop,
            access_log=silent,
            keepalive_timeout=idle_s,
            max_line_size=MAX_HEAD,
            max_field_size=MAX_HEAD,
        )

    return await loop.create_server(accept, sock=listener)
