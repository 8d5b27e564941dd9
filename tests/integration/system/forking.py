"""A real engine whose peer lies: asked to announce a task of a certain title, it also signs another one under the same number.

``python -m tests.integration.system.forking`` takes the environment that an agent takes.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import trio

from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.protocol import envelope
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.runtime.serve import prepare, serve

TITLE = "say two things"
FAITHFUL_SAY = FeedJournal.say


async def say_twice(self: FeedJournal, type_: str, data: dict[str, Any], **rest: Any) -> Entry:
    """Say it; then gossip something else under the number that it got."""
    entry = await FAITHFUL_SAY(self, type_, data, **rest)
    if type_ == "task_announcement" and data["spec"]["title"] == TITLE:
        other = {**data, "spec": {**data["spec"], "title": "something else"}}
        letter = envelope.make(type_, self.me.peer_id, other, self.clock.wall())
        h = entry.header
        twin = envelope.seal(letter, h.topic, self.me, epoch=h.epoch, seq=h.seq, prev=h.prev, hlc=h.hlc)
        await self.mesh.publish(h.topic, twin.wire())
    return entry


if __name__ == "__main__":
    FeedJournal.say = say_twice  # type: ignore[method-assign] # the lie
    trio.run(partial(serve, prepare("agent", os.environ, None), ready=lambda: None))
