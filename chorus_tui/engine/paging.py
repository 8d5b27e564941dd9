"""Pages of a list, stable while it changes. Pure.

A cursor is the place of the last row that was given, in the order of the list, not a number of rows: what is added or goes meanwhile
moves nobody else. So a row whose own place does not change is given exactly once. A cursor belongs to its list and its filters; it is
opaque to callers, and whatever else is given for one is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from chorus_tui.contract.problem import Problem, invalid

Row = TypeVar("Row")
Place = tuple[Any, ...]
"""Where a row stands: numbers, booleans and texts that compare."""

LONGEST: Final = 2_048
_MARK: Final = 8


def page(
    rows: Iterable[Row], place: Callable[[Row], Place], limit: int, after: Place | None
) -> tuple[list[Row], Place | None]:
    """Of ``rows`` those that come after ``after``, ``limit`` at most, and the place of the last one when there are more.

    Raises 422 when ``after`` is the place of nothing that could be in this list.
    """
    try:
        found = [(place(row), row) for row in rows]
        if after is not None:
            found = [one for one in found if one[0] > after]
        found.sort(key=lambda one: one[0])
    except TypeError:
        raise no_cursor() from None
    given = found[:limit]
    return [row for _, row in given], given[-1][0] if len(found) > limit else None


def to_cursor(name: str, filters: dict[str, Any], place: Place) -> str:
    """The cursor of ``place`` in the list ``name`` under ``filters``."""
    body = json.dumps(list(place), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_mark(name, filters, body) + body).decode().rstrip("=")


def from_cursor(name: str, filters: dict[str, Any], cursor: str) -> Place:
    """The place that :func:`to_cursor` was given. Raises 422 for any other text."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        body = raw[_MARK:]
        if len(cursor) > LONGEST or raw[:_MARK] != _mark(name, filters, body):
            raise no_cursor()
        return tuple(json.loads(body))
    except (binascii.Error, ValueError, TypeError):
        raise no_cursor() from None


def no_cursor() -> Problem:
    """422: what was given is no cursor of this list."""
    return invalid({"cursor": "not a cursor of this list with these filters; use 'next' of the page before"})


def _mark(name: str, filters: dict[str, Any], body: bytes) -> bytes:
    """Not a secret: who makes one up sees nothing but rows that they may see anyway. It finds what was cut, mixed up or mistyped."""
    told = json.dumps([name, filters], sort_keys=True).encode()
    return hashlib.sha256(told + b"\0" + body).digest()[:_MARK]
