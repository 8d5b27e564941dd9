"""UCXI: content under addresses over plain HTTP, under ``/ucxi/v1``, for programs that speak UCXL and nothing else of ours.

The same operations as everywhere, behind the same tokens and scopes; only the bodies differ. Every answer, refusals by the door
included, carries a code ``UCXL-<status>-<NAME>``: success in ``response``, failure in ``error``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel

from chorus_tui.contract import ucxl
from chorus_tui.contract.models import ucxl as models
from chorus_tui.contract.operations import BY_NAME, Operation
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.answers import problem_headers
from chorus_tui.engine.api.requests import BODY_TIMEOUT_S

PREFIX: Final = "/ucxi/v1"
SOURCE: Final = "ucxi/v1"
MOST_SIZE: Final = 16 * 1024 * 1024

Ask = Callable[[web.Request, Operation, Callable[[], Awaitable[BaseModel]]], Awaitable[BaseModel]]
"""Checks the caller's scope, reads the request within bounds, and asks the engine."""

NAMES: Final = {
    200: "OK", 201: "CREATED", 202: "ACCEPTED", 400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED", 408: "REQUEST_TIMEOUT", 409: "CONFLICT", 413: "PAYLOAD_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE", 429: "TOO_MANY_REQUESTS", 500: "INTERNAL", 503: "SERVICE_UNAVAILABLE", 504: "TIMEOUT",
}  # fmt: skip


class Ucxi:
    """The routes; ``ask`` is the API server's way to an operation."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def add(self, router: web.UrlDispatcher) -> None:
        """Open the routes."""
        for verb, path, handler in (
            ("GET", "content", self.get), ("PUT", "content", self.put), ("POST", "content", self.create),
            ("DELETE", "content", self.remove), ("POST", "announce", self.announce), ("GET", "discover", self.discover),
            ("GET", "navigate", self.navigate), ("GET", "query", self.query),
        ):  # fmt: skip
            router.add_route(verb, f"{PREFIX}/{path}", handler)

    async def get(self, request: web.Request) -> web.Response:
        """Retrieve; ``raw=true``: as stored."""
        raw = request.query.get("raw", "") in ("true", "1")
        content = await self._call(request, "ucxl.stored" if raw else "ucxl.get", models.AddressRef)
        assert isinstance(content, models.Content)
        return success(200, "The content of the address", _readable(content))

    async def put(self, request: web.Request) -> web.Response:
        """Store or update: the body is the content, as it is."""
        done = await self._write(request, fresh=False)
        created = done.version.n == 1
        what = "The address has its first content" if created else "The address has a new version"
        return success(201 if created else 200, what, done.model_dump())

    async def create(self, request: web.Request) -> web.Response:
        """Create: 409 where there is content already."""
        return success(201, "The content was created", (await self._write(request, fresh=True)).model_dump())

    async def remove(self, request: web.Request) -> web.Response:
        """A tombstone."""
        done = await self._call(request, "ucxl.remove", models.RemoveContent)
        return success(200, "The content was removed; earlier versions are still there", done.model_dump())

    async def announce(self, request: web.Request) -> web.Response:
        """Keep it and tell the others; who of them heard is not waited for."""
        done = await self._call(request, "ucxl.announce", models.AddressRef)
        return success(202, "It is kept here, and the others are told", done.model_dump())

    async def discover(self, request: web.Request) -> web.Response:
        """All who give it."""
        done = await self._call(request, "ucxl.discover", models.AddressRef)
        return success(200, "Who gives the content now", done.model_dump())

    async def navigate(self, request: web.Request) -> web.Response:
        """A step; out of bounds is 404, with the step in the details."""
        done = await self._call(request, "ucxl.navigate", models.Navigate)
        assert isinstance(done, models.NavigationStep)
        if not done.success:
            problem = Problem(404, "UCXL-404-OUT_OF_BOUNDS", done.error)
            return failure(problem, request.path, done.model_dump())
        return success(200, f"Version {done.to_version} of {done.maximum}", done.model_dump())

    async def query(self, request: web.Request) -> web.Response:
        """By ``pattern`` and ``text``."""
        done = await self._call(request, "ucxl.search", models.SearchContent)
        return success(200, "What fits", done.model_dump())

    # ── asking the engine ──────────────────────────────────────────────────────────────────────────────────────────

    async def _call(self, request: web.Request, operation: str, model: type[BaseModel]) -> BaseModel:
        async def read() -> BaseModel:
            values = {name: value for name, value in request.query.items() if name in model.model_fields}
            _need_address(values, model)
            return model.model_validate(values)

        return await self._ask(request, BY_NAME[operation], read)

    async def _write(self, request: web.Request, *, fresh: bool) -> models.Put:
        async def read() -> BaseModel:
            values: dict[str, Any] = {
                name: request.query[name] for name in ("address", "description") if name in request.query
            }
            _need_address(values, models.PutContent)
            lists = {"readers": request.query.getall("readers", []), "tags": request.query.getall("tags", [])}
            media_type = request.content_type if "Content-Type" in request.headers else ""
            data = base64.b64encode(await _body(request)).decode()
            return models.PutContent.model_validate(
                {**values, **lists, "data": data, "media_type": media_type, "fresh": fresh}
            )

        done = await self._ask(request, BY_NAME["ucxl.put"], read)
        assert isinstance(done, models.Put)
        return done


def _need_address(values: Mapping[str, Any], model: type[BaseModel]) -> None:
    if "address" in model.model_fields and not values.get("address"):
        raise Problem(400, "UCXL-400-MISSING_FIELD", "The address is missing", "", {"address": f"?address={ucxl.FORM}"})


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.clone(client_max_size=MOST_SIZE).read()
    except TimeoutError:
        raise Problem(408, "slow-body", "The body did not arrive in time") from None
    except web.HTTPRequestEntityTooLarge:
        raise Problem(413, "too-large", f"Content has at most {MOST_SIZE // 2**20} MiB") from None


def _readable(content: models.Content) -> dict[str, Any]:
    """Text as text, anything else as base64; ``encoding`` says which."""
    data = base64.b64decode(content.data)
    try:
        text, encoding = data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = content.data, "base64"
    return {"version": content.version.model_dump(), "encoding": encoding, "content": text, "newest": content.newest}


# ── bodies ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def success(status: int, message: str, data: Any) -> web.Response:
    """An answer with its code."""
    return _json(status, {"response": answered(status, message, data)})


def answered(status: int, message: str, data: Any) -> dict[str, Any]:
    """The inside of a success."""
    return {"code": code(status), "message": message, "data": data, **_stamp()}


def failure(problem: Problem, path: str, details: Mapping[str, Any] | None = None) -> web.Response:
    """A refusal with its code; ``details`` besides the problem's own."""
    name = problem.code if problem.code.startswith("UCXL-") else code(problem.status)
    found = {**_details(problem), **(details or {})}
    error: dict[str, Any] = {
        "code": name,
        "message": problem.detail or problem.title,
        "source": SOURCE,
        "path": path,
        **_stamp(),
    }
    if found:
        error["details"] = found
    if name == "UCXL-400-INVALID_ADDRESS":
        error["cause"] = "parse_error"
    return _json(problem.status, {"error": error}, problem_headers(problem))


def _details(problem: Problem) -> dict[str, Any]:
    fields = dict(problem.fields)
    if problem.code == "UCXL-400-INVALID_ADDRESS":
        raw = fields.pop("raw", "")
        return {"field": "address", "provided": raw, "expected_format": ucxl.FORM, "part": fields}
    candidates = [address for name, address in fields.items() if name.startswith("candidate ")]
    return {"candidates": candidates} if candidates else fields


def code(status: int) -> str:
    """``UCXL-404-NOT_FOUND`` and its like."""
    return f"UCXL-{status}-{NAMES.get(status) or HTTPStatus(status).name}"


def _stamp() -> dict[str, str]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"request_id": secrets.token_hex(8), "timestamp": at}


def _json(status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json", headers=headers)
