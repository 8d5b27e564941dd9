"""The gate before every route: who calls, from which site, and how often. Nothing of a request is read before it has passed.

Probes pass it untouched. A page of a site in ``cors_origins`` may call, and is told so; nobody else's may.
"""

from __future__ import annotations

import base64
import time
from typing import Final, Literal

from aiohttp import web
from aiohttp.typedefs import Middleware

from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api import probes
from chorus_tui.engine.api.doors import Caller, Doors, check_host, socket_caller
from chorus_tui.engine.api.problems import Handler, as_problem
from chorus_tui.engine.api.throttle import Throttle
from chorus_tui.engine.api.tokens import Tokens

CALLER: Final = web.RequestKey("caller", Caller)
CORS: Final = web.RequestKey("cors", dict[str, str])
"""Headers that an answer to a page of another site needs; absent for all others."""

_CORS_EXPOSED: Final = "Retry-After, Idempotency-Replayed, WWW-Authenticate, Allow"
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}
PAGES: Final = frozenset({"/docs", "/openapi.json"})
"""What a browser may open by itself: the token is then the password of HTTP's basic authentication."""


class Gate:
    """Of one engine, for all its doors."""

    def __init__(self, tokens: Tokens, doors: Doors) -> None:
        self._tokens = tokens
        self._doors = doors
        self._throttle = Throttle(doors.rate)
        self.throttled = 0
        """Requests refused because they came too fast."""

    def holds(self, caller: Caller) -> bool:
        """Whether what ``caller`` came in with still opens anything."""
        return not caller.token or self._tokens.holds(caller.token)

    def middleware(self, *, tcp: bool) -> Middleware:
        """That of the TCP door, or of the socket."""

        @web.middleware
        async def pass_gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path in probes.PATHS:
                return await handler(request)
            if not tcp:
                request[CALLER] = self._socket_caller(request)
                return await handler(request)
            origin = request.headers.get("Origin")
            check_host(request.headers.get("Host"), origin, self._doors.allowed_hosts, self._doors.cors_origins)
            site = origin if origin is not None and origin.lower() in self._doors.cors_origins else None
            if site is None:
                return await self._enter(request, handler)
            return await self._enter_from(site, request, handler)

        return pass_gate

    async def _enter(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request[CALLER] = self._tcp_caller(request)
        return await handler(request)

    async def _enter_from(self, site: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        """For a page of ``site``, which must be told that it may read the answer, a refusal too."""
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            answer: web.StreamResponse = web.Response(status=204, headers=_PREFLIGHT)
        else:
            # A stream has sent its head before it returns; so its handler asks for these by itself.
            request[CORS] = cors_headers(site)
            try:
                answer = await self._enter(request, handler)
            except Exception as error:  # noqa: BLE001 - told as a problem that the page can read
                answer = as_problem(error, request)
        if not answer.prepared:
            answer.headers.update(cors_headers(site))
        return answer

    def _tcp_caller(self, request: web.Request) -> Caller:
        try:
            caller = self._shown(request, "tcp", "")
        except Problem:
            self._slow(f"refused:{request.remote}")
            raise
        self._slow(caller.key)
        return caller

    def _socket_caller(self, request: web.Request) -> Caller:
        """The user at the socket; a token that it shows can only take scope away, and says for whom it asks."""
        connection = request.transport.get_extra_info("socket") if request.transport is not None else None
        if connection is None:
            raise Problem(403, "forbidden", "The caller is not known")
        user = socket_caller(connection)
        return self._shown(request, "socket", user.person) if "Authorization" in request.headers else user

    def _shown(self, request: web.Request, via: str, person: str) -> Caller:
        token = self._tokens.find(_secret(request))
        door: Literal["socket", "tcp"] = "socket" if via == "socket" else "tcp"
        return Caller(token.scope, token.person or person, door, token.digest, token.expires_at, token.folder)

    def _slow(self, key: str) -> None:
        wait = self._throttle.draw(key, time.monotonic())
        if wait > 0:
            self.throttled += 1
            detail = f"One token may ask {self._doors.rate:g} times a second (CHORUS_API_RATE)."
            raise Problem(429, "rate", "Too many requests", detail, retry_after_s=wait)


def _secret(request: web.Request) -> str:
    """The token shown, or an empty text."""
    kind, _, shown = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return shown.strip()
    if kind.lower() == "basic" and request.method == "GET" and request.path in PAGES:
        try:
            return base64.b64decode(shown, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def require(caller: Caller, scope: Scope) -> None:
    """Raises 403 unless ``caller`` may do what ``scope`` allows."""
    if caller.scope < scope:
        name, has = scope.name.lower(), caller.scope.name.lower()
        raise Problem(403, "scope", f"This needs the scope {name!r}; the token given has {has!r}")


def cors_headers(site: str) -> dict[str, str]:
    """For an answer that a page of ``site`` may read. Never ``*``, and never with cookies, which we have none of."""
    return {
        "Access-Control-Allow-Origin": site,
        "Access-Control-Expose-Headers": _CORS_EXPOSED,
        "Vary": "Origin",
    }
