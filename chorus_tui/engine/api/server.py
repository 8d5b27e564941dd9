"""The API server: routes from the contract's list, behind the doors, beside the engine.

``ApiServer.run`` is a trio service; the HTTP part runs in the bridge's asyncio thread. An operation without a handler
is absent. Scopes are enforced on every door, the Unix socket's caller being admin.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import trio
from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel

from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.status import Hello
from chorus_tui.contract.operations import OPERATIONS, Operation, Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api import probes as probe_routes
from chorus_tui.engine.api.bridge import Bridge, open_bridge
from chorus_tui.engine.api.doors import Caller, Doors, check_host, listen_tcp, listen_unix, socket_caller
from chorus_tui.engine.api.openapi import describe
from chorus_tui.engine.api.probes import Probes, add_probes
from chorus_tui.engine.api.problems import Handler, answer_problems
from chorus_tui.engine.api.requests import MAX_BODY, read_request
from chorus_tui.engine.api.stream import parse_topics, stream_events
from chorus_tui.engine.api.tokens import Tokens
from chorus_tui.engine.journal.events import EventBus

OperationHandler = Callable[[Any, Caller], Awaitable[BaseModel]]
"""``async (request, caller) -> answer``, run in trio. A ``Problem`` it raises is its answer."""

ALIASES = {"/api/status": "status.show", "/api/hypercore/logs": "journal.tail"}
"""Paths of the original CHORUS that exist here too."""

CALL_TIMEOUT_S = 120.0
MAX_CALLS = 256
RECENT_S = 5.0
IDLE_S = 30.0
"""How long a connection may say nothing, or take over the head of a request, before it is closed."""

_CALLER = web.RequestKey("caller", Caller)


class ApiServer:
    """The doors of one engine."""

    def __init__(
        self, handlers: Mapping[str, OperationHandler], events: EventBus, tokens: Tokens, probes: Probes, doors: Doors
    ) -> None:
        self._handlers = dict(handlers)
        self._operations = [operation for operation in OPERATIONS if operation.name in self._handlers]
        self._events = events
        self._tokens = tokens
        self._probes = probes
        self._doors = doors
        self._calls = 0
        self._streams: set[web.WebSocketResponse] = set()
        self._last_call = float("-inf")
        self.api_port: int | None = None
        """The TCP port of the API once :meth:`run` has started, also when any free one was asked for."""
        self.health_port: int | None = None
        """Likewise for probes."""
        self.calls_total = 0
        """Calls answered so far, for metrics."""

    def clients(self) -> int:
        """Open event streams, calls in flight, and 1 more when a call ended within the last 5 s. Probes don't count."""
        recent = 1 if time.monotonic() - self._last_call < RECENT_S else 0
        return len(self._streams) + self._calls + recent

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. ``started`` is told when every door is open.

        Raises :class:`~chorus_tui.engine.api.doors.CannotListen`. Must run under the data folder's lock.
        """
        with contextlib.ExitStack() as cleanup:
            listeners = self._listen(cleanup)
            async with open_bridge() as bridge:
                up = trio.Event()
                token = trio.lowlevel.current_trio_token()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(
                        bridge.run, lambda: self._serve(bridge, listeners, lambda: token.run_sync_soon(up.set))
                    )
                    await up.wait()
                    task_status.started()

    def _listen(self, cleanup: contextlib.ExitStack) -> list[tuple[str, socket.socket]]:
        """Open every door, TCP first, so that a port in use is found before the socket tells that we are here."""
        listeners = []
        for name, address in (("api", self._doors.api), ("health", self._doors.health)):
            if address is not None:
                listeners.append((name, listen_tcp(address)))
                cleanup.callback(listeners[-1][1].close)
        for name, listener in listeners:
            port = listener.getsockname()[1]
            self.api_port, self.health_port = (port, self.health_port) if name == "api" else (self.api_port, port)
        if self._doors.unix is not None:
            listener = listen_unix(self._doors.unix)
            listeners.append(("unix", listener))
            cleanup.callback(_remove_socket, listener, self._doors.unix, self._doors.unix.stat().st_ino)
        return listeners

    async def _serve(
        self, bridge: Bridge, listeners: list[tuple[str, socket.socket]], up: Callable[[], object]
    ) -> None:
        runners: list[web.AppRunner] = []
        try:
            for name, listener in listeners:
                app = self._health_app(bridge) if name == "health" else self._app(bridge, tcp=name == "api")
                # Reads are cancelled when their caller leaves; a change, once begun, is carried to its end.
                runner = web.AppRunner(
                    app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0, keepalive_timeout=IDLE_S
                )
                runners.append(runner)
                await runner.setup()
                await web.SockSite(runner, listener).start()
            up()
            await asyncio.Event().wait()
        finally:
            await asyncio.gather(*(runner.cleanup() for runner in runners), return_exceptions=True)

    def _health_app(self, bridge: Bridge) -> web.Application:
        app = web.Application(middlewares=[answer_problems], client_max_size=MAX_BODY)
        add_probes(app, self._probes, bridge)
        return app

    def _app(self, bridge: Bridge, *, tcp: bool) -> web.Application:
        app = web.Application(middlewares=[answer_problems, self._door(tcp=tcp)], client_max_size=MAX_BODY)
        add_probes(app, self._probes, bridge)
        by_name = {operation.name: operation for operation in self._operations}
        for operation in self._operations:
            app.router.add_route(operation.verb, _route(operation), self._route_handler(operation, bridge))
        for path, name in ALIASES.items():
            if name in by_name:
                app.router.add_get(path, self._route_handler(by_name[name], bridge))
        document = json.dumps(describe(self._operations)).encode()

        async def openapi(request: web.Request) -> web.Response:
            _require(request[_CALLER], Scope.READ)
            return web.Response(body=document, content_type="application/json")

        app.router.add_get("/openapi.json", openapi)
        app.on_shutdown.append(self._say_goodbye)
        if "engine.hello" in by_name:
            app.router.add_get("/api/v1/events", self._events_handler(bridge))
        return app

    async def _say_goodbye(self, _: web.Application) -> None:
        """Tell subscribers that the engine goes, so that leaving does not wait for them."""
        closing = (stream.close(code=WSCloseCode.GOING_AWAY, message=b"stopping") for stream in list(self._streams))
        await asyncio.gather(*closing, return_exceptions=True)

    def _door(self, *, tcp: bool) -> Middleware:
        """The middleware that finds out who calls, before anything else is read."""

        @web.middleware
        async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path not in probe_routes.PATHS:
                request[_CALLER] = self._tcp_caller(request) if tcp else _unix_caller(request)
            return await handler(request)

        return door

    def _tcp_caller(self, request: web.Request) -> Caller:
        check_host(request.headers.get("Host"), request.headers.get("Origin"), self._doors.allowed_hosts)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        scope = self._tokens.scope_of(token.strip()) if kind.lower() == "bearer" else None
        if scope is None:
            detail = "Send 'Authorization: Bearer <token>'; the tokens are in api.tokens in the engine's data folder."
            raise Problem(401, "token", "A valid token is needed", detail)
        return Caller(scope, "", "tcp")

    def _route_handler(self, operation: Operation, bridge: Bridge) -> Handler:
        handler = self._handlers[operation.name]

        async def answer(request: web.Request) -> web.Response:
            caller = request[_CALLER]
            _require(caller, operation.scope)
            if self._calls >= MAX_CALLS:
                raise Problem(429, "busy", "Too many calls at once", "Try again in a moment.")
            self._calls += 1
            try:
                asked = await read_request(operation, request)
                limit = CALL_TIMEOUT_S + float(getattr(asked, "timeout_s", 0))
                call = asyncio.ensure_future(asyncio.wait_for(bridge.call(handler, asked, caller), limit))
                given = await (call if operation.verb == "GET" else asyncio.shield(call))
            finally:
                self._calls -= 1
                self.calls_total += 1
                self._last_call = time.monotonic()
            return web.Response(body=self._complete(given).model_dump_json().encode(), content_type="application/json")

        return answer

    def _complete(self, answer: BaseModel) -> BaseModel:
        """The greeting names the operations offered, which only this server knows."""
        if isinstance(answer, Hello):
            return answer.model_copy(update={"operations": [operation.name for operation in self._operations]})
        return answer

    def _events_handler(self, bridge: Bridge) -> Handler:
        async def follow(request: web.Request) -> web.StreamResponse:
            caller = request[_CALLER]
            _require(caller, Scope.READ)
            topics = parse_topics(request.query.get("topics", ""))
            hello = self._complete(await bridge.call(self._handlers["engine.hello"], Empty(), caller))
            assert isinstance(hello, Hello)
            return await stream_events(request, self._events, topics, hello, self._streams)

        return follow


def _route(operation: Operation) -> str:
    """The path in the form of an aiohttp route: one part, never a slash in it."""
    return re.sub(r"{(\w+)}", r"{\1:[^/]+}", operation.path)


def _require(caller: Caller, scope: Scope) -> None:
    if caller.scope < scope:
        name, has = scope.name.lower(), caller.scope.name.lower()
        raise Problem(403, "scope", f"This needs the scope {name!r}; the token given has {has!r}")


def _unix_caller(request: web.Request) -> Caller:
    transport = request.transport
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is None:
        raise Problem(403, "forbidden", "The caller is not known")
    return socket_caller(connection)


def _remove_socket(listener: socket.socket, path: Path, inode: int) -> None:
    """Close, and unlink the path if it is still ours."""
    listener.close()
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_ino == inode:
            path.unlink()
