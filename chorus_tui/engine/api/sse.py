"""The event stream as server-sent events, for whatever has HTTP and nothing else.

Each event has the id ``<epoch>-<seq>``; a reader that comes back with it as ``Last-Event-ID`` misses nothing. Named events besides:
``hello`` first, ``gap`` when something is gone, ``dropped`` when the reader was too slow, ``problem`` before the stream ends. A
comment every 15 s shows that it lives. A reader that takes nothing for 30 s is let go.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from aiohttp import web

from chorus_tui.contract.events import Event
from chorus_tui.contract.models.status import Hello
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.doors import Caller
from chorus_tui.engine.api.following import HEARTBEAT_S, Following, Position, Readers
from chorus_tui.engine.api.gate import CORS

FRAME_S: Final = 0.05
STALLED_S: Final = 30.0
HEARTBEAT: Final = b": still here\n\n"

Tell = Callable[[Event], bytes | None]
"""An event as the reader gets it, or None when it is not for them."""


class EventStream:
    """An answer that lasts."""

    def __init__(self, request: web.Request) -> None:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        self._request = request
        self.answer = web.StreamResponse(headers={**headers, **request.get(CORS, {})})

    async def begin(self, first: bytes) -> None:
        """Send the head and ``first``."""
        await self.answer.prepare(self._request)
        await self.write(first)

    async def write(self, data: bytes) -> None:
        """Raises ``ConnectionError`` also when nothing is taken any more."""
        try:
            async with asyncio.timeout(STALLED_S):
                await self.answer.write(data)
        except TimeoutError:
            raise ConnectionError("the reader has stopped reading") from None

    async def follow(self, following: Following, readers: Readers, caller: Caller, tell: Tell) -> None:
        """Tell what happens until the reader leaves or its token holds no longer."""
        while True:
            try:
                batch = await following.next(readers.patience(caller, HEARTBEAT_S))
            except Problem as problem:
                await self.write(named("problem", problem.as_json()))
                return
            if batch is None:
                await self.write(HEARTBEAT)
                continue
            if batch.dropped:
                await self.write(named("dropped", {"dropped": batch.dropped}))
            if told := _joined(map(tell, batch.events)):
                await self.write(told)
            await asyncio.sleep(FRAME_S)


def named(name: str, data: dict[str, Any]) -> bytes:
    """A named event without an id."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def stream_as_sse(
    request: web.Request, readers: Readers, caller: Caller, topics: frozenset[str], after: Position | None, hello: Hello
) -> web.StreamResponse:
    """Serve one reader until it leaves."""
    stream = EventStream(request)
    with readers.reader(caller, topics, after) as following:

        def tell(event: Event) -> bytes:
            data = {"seq": event.seq, "topic": event.topic, "key": event.key, "data": event.data}
            return f"id: {following.position(event)}\ndata: {json.dumps(data)}\n\n".encode()

        try:
            gap = named("gap", following.gap) if following.gap is not None else b""
            await stream.begin(named("hello", hello.model_dump(mode="json")) + gap)
            await stream.follow(following, readers, caller, tell)
        except ConnectionError:
            return stream.answer
    return stream.answer


def _joined(parts: Iterable[bytes | None]) -> bytes:
    return b"".join(part for part in parts if part is not None)
