"""From an HTTP request to a validated request model, within bounds of size and time.

What is taken is what the description says, and nothing that only looks like it: a number in quotes is no number.
"""

from __future__ import annotations

import asyncio
import re
from functools import cache
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel
from pydantic_core import from_json, to_json

from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.operations import Operation
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.api.idempotency import HEADER, checked

MAX_BODY: Final = 1 << 20
"""Bytes of a request's body, unless its operation takes more."""

BODY_TIMEOUT_S = 20.0
"""How long a body may take to arrive."""

_LONGEST_NUMBER: Final = 64
"""Digits and signs of a number in the query; a longer one is none that any field takes."""
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


async def read_request(operation: Operation, request: web.Request) -> BaseModel:
    """The request of ``operation``: path parts, then the query (GET) or the JSON body (POST)."""
    model = operation.request_model()
    if operation.verb == "GET":
        values = _query(request, model)
    else:
        # Without a body there are fields still, in the query: they would be passed over in silence.
        if request.query:
            raise invalid(dict.fromkeys(request.query, "is not taken in the query; send it in the body"))
        values = await _body(request, operation.body)
    for name, value in request.match_info.items():
        if values.get(name, value) != value:
            raise invalid({name: "differs from the one in the path"})
        values[name] = value
    if HEADER in request.headers and "idempotency_key" in model.model_fields:
        values.setdefault("idempotency_key", checked(request.headers[HEADER]))
    if model is Empty:
        if values:
            raise invalid(dict.fromkeys(values, "is not known; nothing is asked for"))
        return Empty()
    return model.model_validate_json(to_json(values), strict=True)


def _query(request: web.Request, model: type[BaseModel]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    kinds = _kinds(model)
    for name in request.query:
        given = request.query.getall(name)
        taken = kinds.get(name, frozenset())
        if "array" in taken:
            values[name] = given
        elif len(given) > 1:
            raise invalid({name: "is given more than once"})
        else:
            values[name] = _typed(given[0], taken)
    return values


def _typed(text: str, kinds: frozenset[str]) -> Any:
    """``text`` as what its field is; as it stands where it is none of that."""
    if "string" in kinds:
        return text
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    if kinds & {"integer", "number"} and len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text):
        return from_json(text)
    return text


@cache
def _kinds(model: type[BaseModel]) -> dict[str, frozenset[str]]:
    """By field, the kinds of JSON that it may be."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def kinds(part: dict[str, Any]) -> frozenset[str]:
        if "$ref" in part:
            return kinds(definitions[part["$ref"].rpartition("/")[2]])
        if "anyOf" in part:
            return frozenset().union(*map(kinds, part["anyOf"]))
        return frozenset({part.get("type", "string")})

    return {name: kinds(part) for name, part in schema.get("properties", {}).items()}


async def _body(request: web.Request, most: int) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            raw = await request.clone(client_max_size=most).read()
    except TimeoutError:
        raise Problem(408, "slow-body", "The body did not arrive in time") from None
    except web.HTTPRequestEntityTooLarge:
        raise Problem(413, "too-large", "The request is too large", f"At most {most // 2**20} MiB are read.") from None
    if not raw:
        return {}
    if request.content_type != "application/json":
        raise Problem(415, "media-type", "A body must be JSON", "Send Content-Type: application/json.")
    try:
        # Unlike the standard library's reader this one refuses NaN and halves of surrogates, which nobody could write again.
        values = from_json(raw, allow_inf_nan=False)
    except ValueError:
        raise Problem(400, "no-json", "The body is not valid JSON") from None
    if not isinstance(values, dict):
        raise Problem(400, "no-object", "The body must be a JSON object")
    return values
