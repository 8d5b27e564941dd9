"""The event stream: one WebSocket, one bounded merging feed. The engine never waits for a reader.

Frames: first ``{"hello": …}``, then JSON lists of events, at most 20 frames a second; ``{"dropped": n}`` says how many
log events a slow reader missed. A reader that answers no ping is let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterable

from aiohttp import WSMsgType, web

from chorus_tui.contract.events import TOPICS, Event
from chorus_tui.contract.feed import MergingFeed
from chorus_tui.contract.models.status import Hello
from chorus_tui.contract.models.task_spec import TASK_ID
from chorus_tui.contract.problem import invalid
from chorus_tui.engine.journal.events import EventBus

FRAME_S = 0.05
EVENTS_A_FRAME = 500
HEARTBEAT_S = 15.0
MAX_TOPICS = 64

_TASK_ID = re.compile(TASK_ID.strip("^$"))


def parse_topics(text: str) -> frozenset[str]:
    """``a,b,output:<task_id>``; raises 422 that names a topic that is none."""
    topics = frozenset(part for part in text.split(",") if part)
    if not topics or len(topics) > MAX_TOPICS:
        raise invalid({"topics": f"name 1 to {MAX_TOPICS} of: {', '.join(TOPICS)}"})
    for topic in sorted(topics):
        base, colon, task = topic.partition(":")
        needs_task = base == "output"
        if base not in TOPICS or needs_task != bool(colon) or (needs_task and not _TASK_ID.fullmatch(task)):
            raise invalid({"topics": f"{topic!r} is none of: {', '.join(TOPICS)} (output as output:<task_id>)"})
    return topics


async def stream_events(
    request: web.Request, events: EventBus, topics: frozenset[str], hello: Hello, streams: set[web.WebSocketResponse]
) -> web.WebSocketResponse:
    """Serve one subscriber until it leaves; it is in ``streams`` meanwhile."""
    answer = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=4096, timeout=2.0)
    await answer.prepare(request)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        # The loop is closed only after the last subscriber is gone.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(ready.set)

    # Subscribed before the greeting, so that whoever asks for a snapshot after it misses nothing.
    feed = events.subscribe(topics, wake)
    streams.add(answer)
    sender = asyncio.create_task(_send(answer, feed, ready, hello))
    try:
        async for message in answer:
            if message.type in {WSMsgType.ERROR, WSMsgType.CLOSE}:
                break
    finally:
        streams.discard(answer)
        events.unsubscribe(feed)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
    return answer


async def _send(answer: web.WebSocketResponse, feed: MergingFeed, ready: asyncio.Event, hello: Hello) -> None:
    try:
        await answer.send_str(json.dumps({"hello": hello.model_dump(mode="json")}))
        while True:
            await ready.wait()
            ready.clear()
            batch = feed.take()
            if batch.dropped:
                await answer.send_str(json.dumps({"dropped": batch.dropped}))
            for start in range(0, len(batch.events), EVENTS_A_FRAME):
                await answer.send_str(_frame(batch.events[start : start + EVENTS_A_FRAME]))
                await asyncio.sleep(FRAME_S)
    except ConnectionError:
        # The reading side sees the same end and closes.
        return


def _frame(events: Iterable[Event]) -> str:
    return json.dumps([{"seq": e.seq, "topic": e.topic, "key": e.key, "data": e.data} for e in events])
