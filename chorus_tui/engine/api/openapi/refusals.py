"""Every way the API says no, as the description tells it: problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "Why it was refused (RFC 9457), for people and for programs",
    "required": ["type", "status", "title"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:chorus:problem:", "description": "What kind of problem it is"},
        "status": {"type": "integer", "minimum": 300, "maximum": 599},
        "title": {"type": "string", "description": "What is wrong"},
        "detail": {"type": "string", "description": "Why, and the way out"},
        "fields": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Each wrong field of the request by its path, with its message",
        },
        "retry_after_s": {"type": "number", "minimum": 0, "description": "When it is worth asking again"},
    },
}

_MEANING: Final = {
    300: "The address means several contents; the problem names them",
    400: "The request cannot be read",
    401: "No token, or one that does not hold: unknown, expired, revoked",
    403: "The token's scope is too small, or the caller may not come in by this door",
    404: "There is no such thing here",
    408: "The body did not arrive in time",
    409: "It does not fit what is already so",
    410: "It was removed",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "Fields of the request are wrong; each is named",
    429: "Too many requests, or too much said; Retry-After tells when it is worth asking again",
    431: "A line of the head is too long",
    500: "The engine made an error; the detail names the line of its log",
    502: "Another member, or a service, did not answer as it should",
    503: "Not now: the engine stops, or its mesh has no admin",
    504: "The engine did not answer in time",
    507: "There is no room",
}
_ALWAYS: Final = (300, 400, 401, 403, 404, 409, 410, 422, 429, 431, 500, 502, 503, 504)
_CHANGES: Final = (408, 413, 415, 507)
_HEADERS: Final[dict[int, Schema]] = {
    401: {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
}


def _refusal(status: int) -> Schema:
    example = {"type": "urn:chorus:problem:refused", "status": status, "title": _MEANING[status]}
    told: Schema = {
        "description": _MEANING[status],
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
    }
    return {**told, "headers": _HEADERS[status]} if status in _HEADERS else told


REFUSALS: Final[dict[str, Schema]] = {f"Refused{status}": _refusal(status) for status in _MEANING}


def refusals(*, changes: bool) -> dict[str, Schema]:
    """The answers of an operation besides the one that was asked for; ``changes``: it has a body."""
    statuses = sorted([*_ALWAYS, *(_CHANGES if changes else ())])
    return {str(status): {"$ref": f"#/components/responses/Refused{status}"} for status in statuses}


def only(*statuses: int) -> dict[str, Schema]:
    """Those of what is no operation."""
    return {str(status): {"$ref": f"#/components/responses/Refused{status}"} for status in statuses}
