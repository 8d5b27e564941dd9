"""What every operation passes on its way in and out, whatever feature answers it.

In: a request that holds a secret of a severity the operator denies is refused, by the field it stands in. Out: answers and
errors are redacted, so that what others sent is redacted wherever it is shown. What is large is looked through in a thread: the
engine goes on meanwhile.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, Final

import trio
from pydantic import BaseModel

from chorus_tui.contract.problem import Problem
from chorus_tui.engine.journal.interface import BlobHeld
from chorus_tui.engine.shhh.doors import REVEALING
from chorus_tui.engine.shhh.redactor import At

Handler = Callable[[Any, Any], Awaitable[Any]]

UNJUDGED: Final = frozenset(
    {"shhh.scan", "vault.recover", "vault.rehearse", "patches.preview", "patches.stage", "collab.sync"}
)
"""Operations that are there to be given secrets, or that tell of them in a better way."""
_ENCODED: Final = {"ucxl.get": "data"}
"""Operations whose answer has text in base64, by the field."""
AT_ONCE: Final = 64 * 1024
"""Characters that are looked through on the spot."""
THREADS: Final = 2
"""So many large requests and answers are looked through at a time; others wait."""


def guarded(handlers: Mapping[str, Handler], door: At, denied: Collection[str]) -> dict[str, Handler]:
    """The same handlers behind the doors."""
    guard = _Guard(door, frozenset(denied))
    return {name: partial(guard.call, name, handler) for name, handler in handlers.items()}


class _Guard:
    """Of all operations of one engine."""

    def __init__(self, door: At, denied: frozenset[str]) -> None:
        self._door = door
        self._denied = denied
        self._threads = trio.CapacityLimiter(THREADS)

    async def call(self, name: str, handler: Handler, request: Any, caller: Any) -> Any:
        """One operation behind the doors."""
        if self._denied and name not in UNJUDGED and isinstance(request, BaseModel):
            await self._aside(request, partial(_judge, request, self._door, self._denied))
        answer = await _told(handler, self._door, request, caller)
        if name in REVEALING:
            return answer
        return await self._aside(answer, partial(_clean, answer, _ENCODED.get(name), self._door))

    async def _aside(self, value: Any, look: Callable[[], Any]) -> Any:
        """In a thread when ``value`` is large."""
        if _room(value, AT_ONCE) >= 0:
            return look()
        in_thread: Any = trio.to_thread.run_sync  # its types have no room for this keyword
        return await in_thread(look, limiter=self._threads, abandon_on_cancel=True)


async def _told(handler: Handler, door: At, request: Any, caller: Any) -> Any:
    """The answer as it is, or the error without secrets."""
    try:
        return await handler(request, caller)
    except Problem as problem:
        problem.title, problem.detail = door.text(problem.title), door.text(problem.detail)
        problem.fields = {field: door.text(words) for field, words in problem.fields.items()}
        raise
    except BlobHeld as held:
        raise Problem(409, "held", "It is held for a person", door.text(str(held))) from held
    except Exception as error:
        error.args = tuple(door.text(part) if isinstance(part, str) else part for part in error.args)
        raise


def _room(value: Any, room: int) -> int:
    """What is left of ``room`` characters beside ``value``; below zero as soon as it is too large."""
    if room < 0:
        return room
    if isinstance(value, str):
        return room - len(value)
    if isinstance(value, BaseModel):
        value = [getattr(value, field) for field in type(value).model_fields]
    elif isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        for item in value:
            room = _room(item, room)
    return room - 1


def _judge(request: BaseModel, door: At, denied: frozenset[str]) -> None:
    """Raises 422 with each field that holds what may not be said here, and the rule that found it."""
    wrong = {}
    for field, value in request.model_dump(mode="json").items():
        found = door.find(str(value).encode("utf-8", "surrogatepass"))
        rules = sorted({one.rule for one in found if one.severity in denied})
        if rules:
            wrong[field] = (
                f"holds what looks like a secret ({', '.join(rules)}), and this peer takes none (CHORUS_SHHH_DENY)"
            )
    if wrong:
        raise Problem(422, "secret", "A secret is not taken", "Take it out, or refer to it by its name.", wrong)


def redacted(value: Any, door: At) -> Any:
    """The same value when nothing was found, else a copy without it."""
    if isinstance(value, str):
        return door.text(value)
    if isinstance(value, BaseModel):
        changed = {}
        for field in type(value).model_fields:
            old = getattr(value, field)
            new = redacted(old, door)
            if new is not old:
                changed[field] = new
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, dict):
        if any(isinstance(item, BaseModel) for item in value.values()):
            return {key: redacted(item, door) for key, item in value.items()}
        clean = door.value(value)
        return value if clean == value else clean
    if isinstance(value, list | tuple):
        items = [redacted(item, door) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else type(value)(items)
    return value


def _clean(answer: Any, encoded: str | None, door: At) -> Any:
    """Without secrets; the field in base64 is judged by what it holds, and by nothing else: a marker in it could not be decoded."""
    if encoded is None or not isinstance(answer, BaseModel):
        return redacted(answer, door)
    held = _decoded(getattr(answer, encoded), door)
    return redacted(answer.model_copy(update={encoded: ""}), door).model_copy(update={encoded: held})


def _decoded(data: str, door: At) -> str:
    """Text that travels in base64, redacted as text. Raises 409 for a secret in what is no text, which cannot be taken out."""
    text = base64.b64decode(data).decode("utf-8", "surrogateescape")
    clean = door.text(text)
    if clean == text:
        return data
    try:
        return base64.b64encode(clean.encode()).decode()
    except UnicodeEncodeError:
        raise Problem(
            409,
            "held",
            "It is not shown",
            "It is no text and holds what looks like a secret. It can be had as it is stored.",
        ) from None
