"""What is served beside the operations: the event stream, probes and metrics, the original's paths, UCXI, this description."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from chorus_tui.contract.events import TOPICS
from chorus_tui.engine.api.openapi.refusals import only

Schema = dict[str, Any]

_READ: Final = [{"token": ["read"]}]
_OPERATE: Final = [{"token": ["operate"]}]
_NOBODY: Final[list[Schema]] = []
"""No token is needed."""

_ALIASES: Final = {"/api/status": "/api/v1/status", "/api/hypercore/logs": "/api/v1/journal"}

_POSITION: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9]{1,18}$"}
_EVENTS_TEXT: Final = """\
As server-sent events, or over a WebSocket when the request asks to be upgraded.

Server-sent events: first `hello`; then each event without a name, its data `{seq, topic, key, data}`, its id to be given back as \
`Last-Event-ID`; `gap` (`{after, topics, reason}`) when something is gone that was missed; `dropped` \
(`{dropped}`) when the reader was too slow \
for so many lines; `problem` before the stream ends because its token holds no longer. A comment every 15 s shows that it lives.

WebSocket: first `{"hello": …, "epoch": …}`, then `{"gap": …}` if need be, lists of events, `{"dropped": \
n}`. The id of an event, for `after`, \
is `<epoch>-<seq>`. Close code 4401: the token holds no longer.

An event with a key describes the present state of one thing; of several that were missed the newest is told. One without a key is a line. \
Topics: """


def beside(operations: set[str], paths: dict[str, Any], *, ucxi: bool) -> dict[str, dict[str, Any]]:
    """Path to verb to entry, for what is served when ``operations`` are; ``paths`` are theirs."""
    found: dict[str, dict[str, Any]] = {**_probes(), **_description()}
    for path, original in _ALIASES.items():
        if original in paths and "get" in paths[original]:
            entry = deepcopy(paths[original]["get"])
            found[path] = {"get": {**entry, "operationId": f"original.{entry['operationId']}", "tags": ["original"]}}
    if "engine.hello" in operations:
        found["/api/v1/events"] = {"get": _events()}
    return {**found, **_ucxi()} if ucxi else found


def _events() -> Schema:
    topics = "; ".join(f"`{name}`: {text}" for name, text in TOPICS.items())
    return {
        "operationId": "events.follow",
        "summary": "What happens, as it happens",
        "description": f"{_EVENTS_TEXT}{topics}.",
        "tags": ["events"],
        "security": _READ,
        "x-scope": "read",
        "parameters": [
            _query("topics", {"type": "string", "minLength": 1}, "Names with commas between", "tasks,log", required=True),
            _query("after", _POSITION, "The last event that the reader has", "0123abcd-42"),
            {
                "name": "Last-Event-ID", "in": "header", "schema": _POSITION, "description": "The same, as browsers send it",
                "example": "0123abcd-42",
            },
        ],
        "responses": {
            "101": {"description": "A WebSocket"},
            "200": _text("text/event-stream", "Events until the reader leaves", 'event: hello\ndata: {"agent_id": "ana"}\n\n'),
            **only(400, 401, 403, 422, 429, 431, 500, 503),
        },
    }  # fmt: skip


def _probes() -> dict[str, Schema]:
    state: Schema = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    reasons: Schema = {"type": "array", "items": {"type": "string"}}
    ready: Schema = {
        **state,
        "properties": {**state["properties"], "reasons": reasons},
        "required": ["status", "reasons"],
    }
    health = "All checks, active tasks, capacity; 503 when it is failing"
    return {
        "/healthz": _probe("alive", "The engine's loop answers", state, {"status": "alive"}, no=False),
        "/startupz": _probe("started", "It has started; 503 until then", state, {"status": "started"}),
        "/ready": _probe("ready", "It may be given work; 503 with the reasons", ready, {"status": "ready", "reasons": []}),
        "/health": _probe("health", health, state, {"status": "healthy"}),
        "/api/health": _probe("original.health", health, state, {"status": "healthy"}, tag="original"),
        "/metrics": {
            "get": {
                "operationId": "probes.metrics", "summary": "Metrics for Prometheus", "tags": ["probes"], "security": _NOBODY,
                "responses": {
                    "200": _text("text/plain", "The exposition format", "chorus_tasks_active 1\n"), **only(500, 503),
                },
            }
        },
    }  # fmt: skip


def _probe(name: str, text: str, schema: Schema, example: Schema, *, no: bool = True, tag: str = "probes") -> Schema:
    told = {"description": text, "content": {"application/json": {"schema": schema, "example": example}}}
    return {
        "get": {
            "operationId": name if "." in name else f"probes.{name}", "summary": text, "tags": [tag], "security": _NOBODY,
            "responses": {"200": told, **({"503": told} if no else only(503)), **only(500)},
        }
    }  # fmt: skip


def _description() -> dict[str, Schema]:
    refused = only(400, 401, 403, 429, 431, 500)
    document: Schema = {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {
        "/openapi.json": {
            "get": {
                "operationId": "engine.describe", "summary": "This document", "tags": ["engine"], "security": _READ, "x-scope": "read",
                "responses": {"200": document, **refused},
            }
        },
        "/docs": {
            "get": {
                "operationId": "engine.docs", "summary": "This document as a page; a browser may give the token as a password",
                "tags": ["engine"], "security": _READ, "x-scope": "read",
                "responses": {"200": _text("text/html", "A page without any script or foreign host", "<!doctype html>"), **refused},
            }
        },
    }  # fmt: skip


# ── UCXI ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CODE: Final[Schema] = {"type": "string", "pattern": "^UCXL-[0-9]{3}-[A-Z_]+$"}
_STAMP: Final[Schema] = {
    "code": _CODE,
    "message": {"type": "string"},
    "request_id": {"type": "string"},
    "timestamp": {"type": "string"},
}
_SUCCESS: Final[Schema] = {
    "type": "object", "required": ["response"],
    "properties": {"response": {"type": "object", "required": [*_STAMP, "data"], "properties": {**_STAMP, "data": {}}}},
}  # fmt: skip
_FAILURE: Final[Schema] = {
    "type": "object", "required": ["error"],
    "properties": {
        "error": {
            "type": "object", "required": [*_STAMP, "source", "path"],
            "properties": {
                **_STAMP, "source": {"type": "string"}, "path": {"type": "string"}, "details": {"type": "object"},
                "cause": {"type": "string"},
            },
        }
    },
}  # fmt: skip
_ADDRESS_EXAMPLE: Final = "ucxl://ana:developer@shop:api/*^/notes/plan.md"


def _ucxi() -> dict[str, Schema]:
    address = _query(
        "address",
        {"type": "string", "minLength": 1, "maxLength": 1024},
        "A UCXL address",
        _ADDRESS_EXAMPLE,
        required=True,
    )
    description = _query("description", {"type": "string", "maxLength": 1000}, "What is new in this version", "first")
    tags = _query("tags", _strings(16, 64), "May be repeated", ["plan"])
    readers = _query("readers", _strings(16, 160), "Seals it to these; may be repeated", ["role:developer"])
    raw = _query("raw", {"enum": ["true", "1"]}, "As stored: an age file when it is sealed", "true")
    steps = _query("steps", {"type": "integer", "minimum": 0}, "How many, or the number of the version", 1)
    way = _query(
        "operation",
        {"enum": ["latest", "first", "back", "forward", "version", "at"]},
        "Which way",
        "back",
        required=True,
    )
    at = _query("at", {"type": "string", "maxLength": 64}, "RFC 3339, for the operation at", "2030-01-31T12:00:00Z")
    pattern = _query(
        "pattern", {"type": "string", "maxLength": 1024}, "An address with wildcards", "ucxl://any:any@shop:api/*^/"
    )
    text = _query("text", {"type": "string", "maxLength": 256}, "Looked for in what this peer can open", "retry")
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": 500}, "Hits at most", 50)
    return {
        "/ucxi/v1/content": {
            "get": _ask("get", "What an address means", _READ, [address, raw], 200),
            "put": _ask(
                "put",
                "A new version: the body is the content",
                _OPERATE,
                [address, description, tags, readers],
                200,
                201,
            ),
            "post": _ask(
                "create",
                "The same, refused when there is content",
                _OPERATE,
                [address, description, tags, readers],
                201,
            ),
            "delete": _ask("remove", "A tombstone; earlier versions stay", _OPERATE, [address, description], 200),
        },
        "/ucxi/v1/announce": {"post": _ask("announce", "Keep it here and tell the others", _OPERATE, [address], 202)},
        "/ucxi/v1/discover": {"get": _ask("discover", "Who gives it now", _READ, [address], 200)},
        "/ucxi/v1/navigate": {
            "get": _ask("navigate", "A step between versions", _READ, [address, way, steps, at], 200)
        },
        "/ucxi/v1/query": {"get": _ask("query", "Search", _READ, [pattern, text, limit], 200)},
        "/ucxi/v1/subscribe": {"get": _subscribe()},
    }


def _ask(name: str, text: str, security: list[Any], parameters: list[Schema], *good: int) -> Schema:
    told = {"description": text, "content": {"application/json": {"schema": _SUCCESS}}}
    coded: Schema = {"application/json": {"schema": _FAILURE}}
    refused = {"description": "A refusal with its code", "content": coded}
    # What cannot be read as HTTP at all is refused before anybody knows that it was meant for UCXI.
    problem: Schema = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    unread = {"description": "It cannot be read", "content": {**coded, **problem}}
    statuses = (300, 400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 431, 500, 502, 503, 504, 507)
    entry: Schema = {
        "operationId": f"ucxi.{name}", "summary": text, "tags": ["ucxi"], "security": security, "x-scope": security[0]["token"][0],
        "parameters": parameters,
        "responses": {
            **{str(status): told for status in good}, **{str(status): refused for status in statuses}, "400": unread, "431": unread,
        },
    }  # fmt: skip
    if name in ("put", "create"):
        # Any bytes of any kind.
        entry["requestBody"] = {"description": "At most 16 MiB", "content": {"*/*": {"schema": {}}}}
    return entry


def _subscribe() -> Schema:
    example = "event: version\nid: 0123abcd-42\ndata: {}\n\n"
    refused = {"description": "A refusal with its code", "content": {"application/json": {"schema": _FAILURE}}}
    place = _query(
        "address", {"type": "string", "maxLength": 1024}, "May have wildcards; empty: everything", _ADDRESS_EXAMPLE
    )
    return {
        "operationId": "ucxi.subscribe", "summary": "What changes below an address", "tags": ["ucxi"], "security": _READ,
        "x-scope": "read", "parameters": [place],
        "responses": {
            "200": _text("text/event-stream", "Events until the reader leaves", example),
            **{str(status): refused for status in (400, 401, 403, 422, 429, 500, 503)},
        },
    }  # fmt: skip


def _query(name: str, schema: Schema, text: str, example: Any, *, required: bool = False) -> Schema:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "schema": schema,
        "description": text,
        "example": example,
    }


def _strings(most: int, longest: int) -> Schema:
    return {"type": "array", "maxItems": most, "items": {"type": "string", "minLength": 1, "maxLength": longest}}


def _text(media_type: str, text: str, example: str) -> Schema:
    return {"description": text, "content": {media_type: {"schema": {"type": "string"}, "example": example}}}
