"""Every way a request can fail, as one problem (RFC 9457). No stack trace, no secret, ever leaves here."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from http.client import responses

import structlog
from aiohttp import web
from pydantic import ValidationError

from chorus_tui.contract.faults import in_words
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.api import ucxi
from chorus_tui.engine.api.answers import problem_headers
from chorus_tui.engine.api.bridge import EngineStopping
from chorus_tui.engine.control.interface import NoMesh, NotAdmin
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import BlobMissing, Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger("api")


def problem_response(problem: Problem) -> web.Response:
    """``problem`` as an answer."""
    return web.Response(
        status=problem.status,
        body=json.dumps(problem.as_json()).encode(),
        content_type="application/problem+json",
        headers=problem_headers(problem),
    )


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised below into a problem."""
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001 - the outermost wall: nothing may pass it
        return as_problem(error, request)


def as_problem(error: Exception, request: web.Request) -> web.Response:
    """The answer for whoever asked; what is our own fault is logged under an id that the answer names."""
    problem = to_problem(error)
    if problem.status == 500:
        identifier = secrets.token_hex(4)
        _log.error("❌ request failed", error_id=identifier, path=request.path, exc_info=error)
        problem.detail = f"It is in the engine's log under {identifier}."
    in_ucxi = request.path.startswith(ucxi.PREFIX)
    answer = ucxi.failure(problem, request.path) if in_ucxi else problem_response(problem)
    if problem.status == 401 and request.path == "/docs":
        # A page for people: their browser asks them for the token.
        answer.headers["WWW-Authenticate"] = (
            'Basic realm="chorus: any name, the token as the password", charset="UTF-8"'
        )
    if isinstance(error, web.HTTPMethodNotAllowed):
        answer.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    return answer


def to_problem(error: BaseException) -> Problem:
    """What the caller is told of ``error``; status 500 means that it is our own fault."""
    match error:
        case Problem():
            return error
        case ValidationError():
            return invalid(field_messages(error))
        case web.HTTPException():
            return _of_http(error)
        case EngineStopping():
            return Problem(503, "stopping", "The engine is stopping")
        case NoMesh():
            return Problem(503, "no-mesh", "This peer belongs to no mesh yet", str(error))
        case NotAdmin():
            return Problem(503, "not-admin", "This peer does not lead the mesh", str(error))
        case BlobMissing():
            return Problem(404, "blob-missing", "No peer in reach holds this content", str(error))
        case Refused():
            return _of_refusal(error)
        case asyncio.TimeoutError():
            return Problem(504, "timeout", "The engine did not answer in time")
        case _:
            return Problem(500, "internal", "The engine made an error")


def _of_refusal(error: Refused) -> Problem:
    if isinstance(error, OverQuota):
        return Problem(429, "over-quota", "This peer has said too much new", str(error), retry_after_s=error.ends_s)
    return Problem(409, "refused", "The journal did not take this", str(error))


def field_messages(error: ValidationError) -> dict[str, str]:
    """Each wrong field by its dotted path, with its message and without its value."""
    fields: dict[str, str] = {}
    for part in error.errors(include_url=False, include_input=False):
        name = ".".join(str(step) for step in part["loc"]) or "request"
        message = in_words(part["type"], part.get("ctx", {}), name) or part["msg"].removeprefix("Value error, ")
        fields[name] = f"{fields[name]}; {message}" if name in fields else message
    return fields


def _of_http(error: web.HTTPException) -> Problem:
    match error.status:
        case 404:
            return Problem(404, "unknown-operation", "There is no such operation here")
        case 405:
            return Problem(405, "method", "This path does not take this method")
        case 413:
            return Problem(
                413,
                "too-large",
                "The request is too large",
                "The description at /openapi.json says what an operation reads at most.",
            )
        case status:
            return Problem(status, "http", responses.get(status, "The request failed"))
