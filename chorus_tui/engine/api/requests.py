"""From an HTTP request to a validated request model, within bounds of size and time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from chorus_tui.contract.operations import Operation
from chorus_tui.contract.problem import Problem, invalid

MAX_BODY = 1 << 20
"""Bytes of a request's body."""

BODY_TIMEOUT_S = 20.0
"""How long a body may take to arrive."""


async def read_request(operation: Operation, request: web.Request) -> BaseModel:
    """The request of ``operation``: path parts, then the query (GET) or the JSON body (POST)."""
    model = operation.request_model()
    values = _query(request) if operation.verb == "GET" else await _body(request)
    for name, value in request.match_info.items():
        if values.get(name, value) != value:
            raise invalid({name: "differs from the one in the path"})
        values[name] = value
    key = request.headers.get("Idempotency-Key")
    if key and "idempotency_key" in model.model_fields:
        values.setdefault("idempotency_key", key)
    return model.model_validate(values)


def _query(request: web.Request) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in request.query:
        given = request.query.getall(name)
        values[name] = given if len(given) > 1 else given[0]
    return values


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            raw = await request.read()
    except TimeoutError:
        raise Problem(408, "slow-body", "The body did not arrive in time") from None
    if not raw:
        return {}
    if request.content_type != "application/json":
        raise Problem(415, "media-type", "A body must be JSON", "Send Content-Type: application/json.")
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError):
        raise Problem(400, "no-json", "The body is not valid JSON") from None
    if not isinstance(values, dict):
        raise Problem(400, "no-object", "The body must be a JSON object")
    return values
