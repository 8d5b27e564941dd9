"""What is served behind the gate: every operation of the contract, the event stream, UCXI, the description of it all.

Scopes are enforced on every door alike. One answer a request: with an ``Idempotency-Key`` also when it is sent twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.status import Hello
from chorus_tui.contract.operations import OPERATIONS, Operation, Scope
from chorus_tui.engine.api.bridge import Bridge
from chorus_tui.engine.api.calls import Calls, OperationHandler, Read
from chorus_tui.engine.api.doors import Caller, Doors
from chorus_tui.engine.api.following import Readers, parse_position, parse_topics
from chorus_tui.engine.api.gate import CALLER, Gate, require
from chorus_tui.engine.api.idempotency import HEADER, REPLAYED, Answers, checked
from chorus_tui.engine.api.openapi.document import describe
from chorus_tui.engine.api.openapi.page import page
from chorus_tui.engine.api.outcomes import Outcomes
from chorus_tui.engine.api.probes import Probes, add_probes
from chorus_tui.engine.api.problems import Handler, answer_problems
from chorus_tui.engine.api.requests import MAX_BODY, read_request
from chorus_tui.engine.api.sse import stream_as_sse
from chorus_tui.engine.api.tokens import Tokens
from chorus_tui.engine.api.ucxi import PREFIX, Ucxi
from chorus_tui.engine.api.ucxi_stream import subscribe
from chorus_tui.engine.api.websocket import stream_over_websocket
from chorus_tui.engine.journal.events import EventBus

__all__ = ["OperationHandler", "Routes"]

ALIASES: Final = {"/api/status": "status.show", "/api/hypercore/logs": "journal.tail"}
"""Paths of the original CHORUS that exist here too."""

EVENTS: Final = "/api/v1/events"


class Routes:
    """Of one engine, the same on each of its doors."""

    def __init__(
        self, handlers: Mapping[str, OperationHandler], events: EventBus, tokens: Tokens, probes: Probes, doors: Doors,
        *, ucxi: bool,
    ) -> None:  # fmt: skip
        self._operations = [operation for operation in OPERATIONS if operation.name in handlers]
        self._by_name = {operation.name: operation for operation in self._operations}
        self._events = events
        self._probes = probes
        self._gate = Gate(tokens, doors)
        self._ucxi = ucxi
        self._answers = Answers(time.monotonic)
        self._description: tuple[bytes, bytes] | None = None
        self.calls = Calls(handlers, self._gate.holds)
        self.readers = Readers(events, self._gate.holds)
        self.outcomes = Outcomes()

    def streams(self) -> int:
        """Readers of events now."""
        return len(self.readers)

    @property
    def throttled(self) -> int:
        """Requests refused because they came too fast."""
        return self._gate.throttled

    def app(self, bridge: Bridge, *, tcp: bool) -> web.Application:
        """Everything behind one door."""
        walls = [self.outcomes.counted, answer_problems, self._gate.middleware(tcp=tcp)]
        app = web.Application(middlewares=walls, client_max_size=MAX_BODY)
        add_probes(app, self._probes, bridge)
        paths = {operation.path for operation in OPERATIONS}
        for operation in self._operations:
            app.router.add_route(operation.verb, _route(operation.path, paths), self._operation(operation, bridge))
        for path, name in ALIASES.items():
            if name in self._by_name:
                app.router.add_route("GET", path, self._operation(self._by_name[name], bridge))
        self._add_description(app.router)
        if self._ucxi:
            self._open_ucxi(app.router, bridge)
        if "engine.hello" in self._by_name:
            app.router.add_route("GET", EVENTS, self._follow(bridge))
        app.on_shutdown.append(self._say_goodbye)
        return app

    async def _say_goodbye(self, _: web.Application) -> None:
        """Readers of events are told that the engine goes, so that leaving does not wait for them."""
        self.readers.stop()

    # ── operations ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _operation(self, operation: Operation, bridge: Bridge) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            if operation.verb != "GET" and HEADER in request.headers:
                body, again = await self._once(operation, bridge, request)
                return _json(body, {REPLAYED: "true"} if again else {})
            caller = request[CALLER]
            given = await self.calls.call(bridge, operation, caller, lambda: read_request(operation, request))
            return _json(self._written(given, caller))

        return answer

    async def _once(self, operation: Operation, bridge: Bridge, request: web.Request) -> tuple[bytes, bool]:
        """The body of the one answer to this key, and whether it was given before."""
        caller = request[CALLER]
        require(caller, operation.scope)
        key = checked(request.headers[HEADER])
        asked = await read_request(operation, request)

        async def read() -> BaseModel:
            return asked

        async def run() -> bytes:
            return self._written(await self.calls.call(bridge, operation, caller, read), caller)

        fingerprint = hashlib.sha256(asked.model_dump_json().encode()).digest()
        return await self._answers.once((caller.key, operation.name, key), fingerprint, run)

    def _written(self, answer: BaseModel, caller: Caller) -> bytes:
        return self._complete(answer, caller).model_dump_json().encode()

    def _complete(self, answer: BaseModel, caller: Caller) -> BaseModel:
        """The greeting names the operations offered and the caller's scope, which only this server knows."""
        if isinstance(answer, Hello):
            offered = [operation.name for operation in self._operations]
            return answer.model_copy(update={"operations": offered, "scope": caller.scope.name.lower()})
        return answer

    # ── beside operations ──────────────────────────────────────────────────────────────────────────────────────────

    def _follow(self, bridge: Bridge) -> Handler:
        async def follow(request: web.Request) -> web.StreamResponse:
            caller = request[CALLER]
            require(caller, Scope.READ)
            topics = parse_topics(request.query.get("topics", ""))
            after = parse_position(request.headers.get("Last-Event-ID") or request.query.get("after", ""))
            hello = self._complete(await bridge.call(self.calls.handlers["engine.hello"], Empty(), caller), caller)
            assert isinstance(hello, Hello)
            if not web.WebSocketResponse().can_prepare(request):
                return await stream_as_sse(request, self.readers, caller, topics, after, hello)
            return await stream_over_websocket(request, self.readers, caller, topics, after, hello, self._events.epoch)

        return follow

    def _add_description(self, router: web.UrlDispatcher) -> None:
        async def openapi(request: web.Request) -> web.Response:
            require(request[CALLER], Scope.READ)
            return _json((await self._described())[0])

        async def docs(request: web.Request) -> web.Response:
            require(request[CALLER], Scope.READ)
            html = (await self._described())[1]
            # The page is all there is: nothing it could load, nothing that could run in it.
            policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
            headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
            return web.Response(body=html, content_type="text/html", charset="utf-8", headers=headers)

        router.add_route("GET", "/openapi.json", openapi)
        router.add_route("GET", "/docs", docs)

    async def _described(self) -> tuple[bytes, bytes]:
        """The description as JSON and as a page: made when it is first wanted, because every model has to be built for it."""

        def make() -> tuple[bytes, bytes]:
            document = describe(self._operations, ucxi=self._ucxi)
            return json.dumps(document).encode(), page(document).encode()

        if self._description is None:
            self._description = await asyncio.to_thread(make)
        return self._description

    def _open_ucxi(self, router: web.UrlDispatcher, bridge: Bridge) -> None:
        async def ask(request: web.Request, operation: Operation, read: Read) -> BaseModel:
            return await self.calls.call(bridge, operation, request[CALLER], read)

        async def follow(request: web.Request) -> web.StreamResponse:
            require(request[CALLER], Scope.READ)
            return await subscribe(request, self.readers, request[CALLER])

        Ucxi(ask).add(router)
        router.add_route("GET", f"{PREFIX}/subscribe", follow)


def _route(path: str, all_paths: Iterable[str]) -> str:
    """``path`` in the form of an aiohttp route. What a ``{field}`` takes is one part, and no word that another path has in its place:
    ``/patches/stage`` names an operation, never a patch."""
    parts = path.split("/")
    others = [other.split("/") for other in all_paths]
    for i, part in enumerate(parts):
        if part.startswith("{"):
            words = sorted({other[i] for other in others if len(other) > i and other[:i] == parts[:i]} - {part})
            apart = f"(?!(?:{'|'.join(map(re.escape, words))})(?:/|$))" if words else ""
            parts[i] = f"{{{part[1:-1]}:{apart}[^/]+}}"
    return "/".join(parts)


def _json(body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=body, content_type="application/json", headers={"Cache-Control": "no-store", **(headers or {})}
    )
