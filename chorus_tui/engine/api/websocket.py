"""The event stream over a WebSocket.

Frames: first ``{"hello": …, "epoch": …}``, then ``{"gap": …}`` when something is gone that the reader missed, then JSON lists of events, at
most 20 frames a second; ``{"dropped": n}`` says how many lines a slow reader missed. A reader that answers no ping is let go. An event's
id, to go on after it with ``?after=``, is ``<epoch>-<seq>``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from chorus_tui.contract.events import Event
from chorus_tui.contract.models.status import Hello
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.doors import Caller
from chorus_tui.engine.api.following import HEARTBEAT_S, Following, Position, Readers

FRAME_S: Final = 0.05
EVENTS_A_FRAME: Final = 500
TOKEN_GONE: Final = 4401
"""Close code: the token was revoked or has expired."""


async def stream_over_websocket(
    request: web.Request, readers: Readers, caller: Caller, topics: frozenset[str], after: Position | None,
    hello: Hello, epoch: str,
) -> web.WebSocketResponse:  # fmt: skip
    """Serve one reader until it leaves, or must."""
    answer = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=4096, timeout=2.0)
    # Subscribed before the greeting, so that whoever asks for a snapshot after it misses nothing.
    with readers.reader(caller, topics, after) as following:
        await answer.prepare(request)
        greeting = json.dumps({"hello": hello.model_dump(mode="json"), "epoch": epoch})
        sender = asyncio.create_task(_send(answer, following, readers, caller, greeting))
        try:
            async for message in answer:
                if message.type in {WSMsgType.ERROR, WSMsgType.CLOSE}:
                    break
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
    return answer


async def _send(
    answer: web.WebSocketResponse, following: Following, readers: Readers, caller: Caller, greeting: str
) -> None:
    try:
        await answer.send_str(greeting)
        if following.gap is not None:
            await answer.send_str(json.dumps({"gap": following.gap}))
        while True:
            batch = await following.next(readers.patience(caller, HEARTBEAT_S))
            if batch is None:
                continue
            if batch.dropped:
                await answer.send_str(json.dumps({"dropped": batch.dropped}))
            for start in range(0, len(batch.events), EVENTS_A_FRAME):
                await answer.send_str(_frame(batch.events[start : start + EVENTS_A_FRAME]))
                await asyncio.sleep(FRAME_S)
    except Problem as problem:
        code = TOKEN_GONE if problem.status == 401 else WSCloseCode.GOING_AWAY
        await answer.close(code=code, message=problem.title.encode())
    except ConnectionError:
        # The reading side sees the same end and closes.
        return


def _frame(events: Iterable[Event]) -> str:
    return json.dumps([{"seq": e.seq, "topic": e.topic, "key": e.key, "data": e.data} for e in events])
