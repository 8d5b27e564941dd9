"""UCXI's ``subscribe``: what changes below an address, as server-sent events. The engine never waits for a reader."""

from __future__ import annotations

import json

from aiohttp import web

from chorus_tui.contract import ucxl
from chorus_tui.contract.events import Event
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.ucxl import Address, InvalidAddress
from chorus_tui.engine.api.doors import Caller
from chorus_tui.engine.api.following import Readers, parse_position
from chorus_tui.engine.api.sse import EventStream, named
from chorus_tui.engine.api.ucxi import answered

TOPICS = frozenset({"places"})


async def subscribe(request: web.Request, readers: Readers, caller: Caller) -> web.StreamResponse:
    """One event a changed place that ``address`` covers, until the reader leaves; ``Last-Event-ID`` goes on after an event."""
    pattern = _pattern(request.query.get("address", ""))
    after = parse_position(request.headers.get("Last-Event-ID", ""))
    stream = EventStream(request)
    with readers.reader(caller, TOPICS, after) as following:

        def tell(event: Event) -> bytes | None:
            if event.key is None or not pattern.covers(ucxl.parse(event.key)):
                return None
            return _told(event, following.position(event))

        try:
            gap = named("gap", following.gap) if following.gap is not None else b""
            await stream.begin(b": subscribed\n\n" + gap)
            await stream.follow(following, readers, caller, tell)
        except ConnectionError:
            return stream.answer
    return stream.answer


def _pattern(text: str) -> Address:
    """An address with or without wildcards; nothing means everything. Raises :class:`Problem`."""
    try:
        return ucxl.parse(text or f"{ucxl.SCHEME}any:any@any:any/*^/")
    except InvalidAddress as error:
        fields = {error.field: error.message, "raw": error.raw[: ucxl.LONGEST]}
        raise Problem(400, error.code, "The address is not valid", "", fields) from error


def _told(event: Event, position: str) -> bytes:
    """``data`` is null when nothing is known of the place any more."""
    body = {"response": answered(200, "A place changed", {"place": event.key, "latest": event.data})}
    return f"event: version\nid: {position}\ndata: {json.dumps(body)}\n\n".encode()
