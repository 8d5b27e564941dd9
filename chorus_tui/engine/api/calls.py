"""Calls of operations, from the API's thread into the engine: bounded in number and time, counted.

A call has its place until the work behind it has ended, also when its caller has left. A read ends with the token that began it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from chorus_tui.contract.operations import Operation
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.bridge import Bridge
from chorus_tui.engine.api.doors import Caller
from chorus_tui.engine.api.gate import require
from chorus_tui.engine.api.lists import pages
from chorus_tui.engine.api.places import has_room

OperationHandler = Callable[[Any, Caller], Awaitable[BaseModel]]
"""``async (request, caller) -> answer``, run in trio. A ``Problem`` it raises is its answer."""

Read = Callable[[], Awaitable[BaseModel]]
"""Reads and validates a request; raises a problem."""

CALL_TIMEOUT_S: Final = 120.0
MAX_CALLS = 256


@dataclass(slots=True, eq=False)
class _Call:
    """One that runs; ``read`` is the work of one that changes nothing, so that it may be ended."""

    caller: Caller
    read: asyncio.Future[BaseModel] | None = None
    voided: bool = False


class Calls:
    """Of one server, used from its API's loop only. ``holds`` says whether what a caller came in with still opens anything."""

    def __init__(self, handlers: Mapping[str, OperationHandler], holds: Callable[[Caller], bool]) -> None:
        self.handlers = dict(handlers)
        self._holds = holds
        self._running: set[_Call] = set()
        self.total = 0
        self.last_at = float("-inf")
        """When the last one ended, on the monotonic clock."""

    @property
    def running(self) -> int:
        """How many there are now."""
        return len(self._running)

    async def call(self, bridge: Bridge, operation: Operation, caller: Caller, read: Read) -> BaseModel:
        """The engine's answer to what ``read`` gives. Raises what the operation raises, 401, 403, 429, 504."""
        require(caller, operation.scope)
        if not has_room([one.caller for one in self._running], caller, MAX_CALLS):
            raise Problem(429, "busy", "Too many calls at once", "Try again in a moment.", retry_after_s=1.0)
        call = _Call(caller)
        self._running.add(call)
        try:
            asked, page = pages(operation.name, await read())
            if not self._holds(caller):
                raise _void()
        except BaseException:
            self._ended(call)
            raise
        limit = CALL_TIMEOUT_S + float(getattr(asked, "timeout_s", 0))
        work = asyncio.ensure_future(asyncio.wait_for(bridge.call(self.handlers[operation.name], asked, caller), limit))
        work.add_done_callback(lambda done: self._worked(call, done))
        if operation.verb == "GET":
            call.read = work
        try:
            answer = await (work if operation.verb == "GET" else asyncio.shield(work))
        except asyncio.CancelledError:
            if call.voided:
                raise _void() from None
            raise
        return answer if page is None else page.of(answer)

    def look_again(self) -> None:
        """A token was revoked: reads that it began end now."""
        for call in self._running:
            if call.read is not None and not self._holds(call.caller):
                call.voided = True
                call.read.cancel()

    def _worked(self, call: _Call, work: asyncio.Future[BaseModel]) -> None:
        self._ended(call)
        if not work.cancelled():
            work.exception()  # taken, since nobody may be left to hear of it

    def _ended(self, call: _Call) -> None:
        self._running.discard(call)
        self.total += 1
        self.last_at = time.monotonic()


def _void() -> Problem:
    return Problem(401, "token", "The token that began this call does not hold any more")
