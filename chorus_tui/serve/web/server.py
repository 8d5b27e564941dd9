"""The browser portal's server: its routes, its life, and what it tells of itself in the data folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import textual_serve
from aiohttp import web

from chorus_tui.client import ContractRefused, EngineClient, EngineGone
from chorus_tui.contract.models.portals import PortalScope, ServedPortal
from chorus_tui.contract.places import Places
from chorus_tui.contract.problem import Problem
from chorus_tui.portals import Invitations, invitation_url
from chorus_tui.serve.register import Register
from chorus_tui.serve.web import pages, rules
from chorus_tui.serve.web.connections import Connections, listen
from chorus_tui.serve.web.rules import Limits
from chorus_tui.serve.web.sessions import Sessions
from chorus_tui.serve.web.visits import Visit, Visits

LOOK_S: Final = 15.0
"""How often a browser is asked whether it is still there."""
LEAVE_S: Final = 5.0
KEPT_S: Final = 30.0
"""How long a connection that asks for nothing stays open."""
TELL_S: Final = 1.0
"""How soon the register has those that were refused."""
_THEIRS: Final = Path(textual_serve.__file__).parent / "static"
_OURS: Final = Path(__file__).parent / "static"
FILES: Final = {
    "portal.css": _OURS / "portal.css",
    "portal.js": _OURS / "portal.js",
    "textual.js": _THEIRS / "js" / "textual.js",
    "xterm.css": _THEIRS / "css" / "xterm.css",
    "roboto-mono.ttf": _THEIRS / "fonts" / "RobotoMono-VariableFont_wght.ttf",
    "roboto-mono-italic.ttf": _THEIRS / "fonts" / "RobotoMono-Italic-VariableFont_wght.ttf",
}
"""All that is served beside the pages; no folder is."""


class CannotServe(Exception):
    """The portal does not open. The text is for people."""


@dataclass(slots=True)
class WebPortal:
    """One browser portal. ``root``: the folder that guests may open, or empty; ``said`` gets the first one-time URL."""

    client: EngineClient
    data: Path
    host: str
    port: int
    scope: PortalScope
    root: str
    said: Callable[[str], None]
    limits: Limits = field(default_factory=Limits)
    _since: float = field(default_factory=time.time)

    async def serve(self) -> None:
        """Until SIGTERM or SIGINT. Raises :class:`CannotServe`."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        listener = self._listen()
        register, invitations = Register(self.data), Invitations(self.data, os.getpid())
        url = site(self.host, listener.getsockname()[1])

        told_later: asyncio.TimerHandle | None = None

        def refused() -> None:
            """A flood of them is told once a second."""
            nonlocal told_later
            if told_later is None or told_later.when() <= loop.time():
                told_later = loop.call_later(TELL_S, tell)

        connections = Connections(Places(self.limits.connections), refused)

        def tell() -> None:
            guests = sessions.guests()
            try:
                told = ServedPortal(kind="web", pid=os.getpid(), address=url, since=self._since, guests=guests)
                register.tell(told.model_copy(update={"refused": connections.refused}))
            except OSError as error:  # it stops nobody
                sys.stderr.write(f"chorus-tui: the register of portals cannot be written: {error.strerror}\n")

        sessions = Sessions(self.client, self.data, self.scope, self.root, self.limits, tell)
        visits = Visits(invitations, self.limits.visit_s, time.monotonic)
        runner = web.AppRunner(
            Doors(sessions, visits, self.host).application(),
            shutdown_timeout=LEAVE_S,
        )
        door: asyncio.AbstractServer | None = None
        following = asyncio.create_task(self._stay())
        try:
            await runner.setup()
            assert runner.server is not None
            door = await listen(runner.server, listener, connections, KEPT_S)
            with contextlib.suppress(EngineGone, Problem):
                await sessions.credentials.sweep(self.client.call)
            tell()
            self.said(invitation_url(url, invitations.make()))
            await stop.wait()
        except OSError as error:
            raise CannotServe(f"The data folder {self.data} cannot be written: {error.strerror}") from error
        finally:
            invitations.close()
            if door is not None:
                door.close()
            await sessions.close()
            await runner.cleanup()
            register.leave()
            following.cancel()
            if told_later is not None:
                told_later.cancel()

    async def _stay(self) -> None:
        """Keep the engine, which may stop once nobody follows it."""
        try:
            async for _ in self.client.events(("status",)):
                continue
        except (ContractRefused, Problem) as error:
            sys.stderr.write(f"chorus-tui: the engine is not followed any more: {error}\n")

    def _listen(self) -> socket.socket:
        try:
            family, kind, _, _, place = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            listener = socket.socket(family, kind)
        except OSError as error:
            raise CannotServe(f"--host {self.host}: no address of this machine ({error.strerror})") from error
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
        except OSError as error:
            listener.close()
            way = "Set --port or CHORUS_WEB_PORT to a free one; 0 takes any"
            raise CannotServe(f"Cannot listen on {self.host} port {self.port} ({error.strerror}). {way}") from error
        return listener


class Doors:
    """Pages, files and the stream of one portal."""

    def __init__(self, sessions: Sessions, visits: Visits, host: str) -> None:
        self._sessions = sessions
        self._visits = visits
        self._names = frozenset({host.lower(), socket.gethostname().lower()})

    def application(self) -> web.Application:
        """With its routes, each behind :meth:`_guard`."""
        made = web.Application(middlewares=[self._guard], client_max_size=1024)
        made.add_routes(
            [
                # What only looks at a link (a preview, HEAD) must not use it up.
                web.get("/", self._page, allow_head=False),
                web.get("/ws", self._stream, allow_head=False),
                web.get("/static/{name}", self._file, allow_head=False),
            ]
        )
        return made

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], object]
    ) -> web.StreamResponse:  # fmt: skip
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        reason = rules.refused(host, origin, self._names, wanted=request.path == "/ws")
        answer: web.StreamResponse
        if reason:
            answer = _html(pages.refusal(reason), 403)
        else:
            try:
                answer = await handler(request)  # type: ignore[misc]  # aiohttp types handlers of both kinds
            except web.HTTPException as error:
                answer = _html(pages.refusal(error.reason), error.status)
        if not answer.prepared:
            answer.headers.update(rules.headers(host or ""))
        return answer

    def _visit(self, request: web.Request) -> Visit | None:
        return self._visits.find(request.cookies.get(_cookie(request), ""))

    async def _page(self, request: web.Request) -> web.StreamResponse:
        secret = request.query.get("token")
        if secret is not None:
            return self._enter(request, secret)
        if self._visit(request) is None:
            return _html(pages.refusal("This portal needs a one-time URL.", pages.NO_INVITATION), 401)
        return _html(pages.terminal(f"ws://{request.host}/ws"))

    def _enter(self, request: web.Request, secret: str) -> web.StreamResponse:
        cookie = self._visits.begin(secret)
        if cookie is None:
            return _html(pages.refusal("This one-time URL was used already, or is too old.", pages.NO_INVITATION), 401)
        answer = _html(pages.entered())
        answer.set_cookie(_cookie(request), cookie, httponly=True, samesite="Strict", path="/")
        return answer

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        visit = self._visit(request)
        if visit is None:
            return _html(pages.refusal("This portal needs a one-time URL.", pages.NO_INVITATION), 401)
        stream = web.WebSocketResponse(
            heartbeat=LOOK_S, max_msg_size=self._sessions.limits.message, compress=False, timeout=LEAVE_S
        )
        await stream.prepare(request)
        size = rules.size(request.query.get("width"), request.query.get("height"))
        await self._sessions.run(stream, visit, _peer(request), size)
        return stream

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = FILES.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound(reason="There is nothing here")
        return web.FileResponse(path)


def site(host: str, port: int) -> str:
    """The address of the portal for people; one that listens everywhere is named by its machine."""
    name = socket.gethostname() if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host  # noqa: S104 - compared, not bound
    return f"http://{name}:{port}"


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")


def _cookie(request: web.Request) -> str:
    """Browsers tell cookies apart by host and name only, so that two portals of one machine need two names."""
    return f"chorus-{request.url.port}"


def _peer(request: web.Request) -> str:
    found = request.transport.get_extra_info("peername") if request.transport is not None else None
    return f"{found[0]}:{found[1]}" if found else "unknown"
