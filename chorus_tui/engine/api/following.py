"""One reader of the event stream, whatever carries it: its bounded feed, where it goes on, and when it must end.

A reader names the events it has by ``<run>-<number>``. What it missed since then follows first, or it is told of a gap. The engine
never waits for a reader, and none is served a moment longer than its token holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from chorus_tui.contract.events import TOPICS, Event
from chorus_tui.contract.feed import Batch, MergingFeed
from chorus_tui.contract.models.task_spec import TASK_ID
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.api.doors import Caller
from chorus_tui.engine.api.places import has_room
from chorus_tui.engine.journal.events import EventBus

MAX_TOPICS: Final = 64
MOST_READERS: Final = 256
HEARTBEAT_S: Final = 15.0

_OF_ONE: Final = frozenset({"output", "collab"})
"""Topics of one thing, named with its id."""
_ULID: Final = re.compile(TASK_ID.strip("^$"))
_POSITION: Final = re.compile(r"([0-9a-f]{8})-([0-9]{1,18})")


def parse_topics(text: str) -> frozenset[str]:
    """``a,b,output:<task_id>,collab:<session>``; raises 422 that names a topic that is none."""
    topics = frozenset(part for part in text.split(",") if part)
    if not topics or len(topics) > MAX_TOPICS:
        raise invalid({"topics": f"name 1 to {MAX_TOPICS} of: {', '.join(TOPICS)}"})
    for topic in sorted(topics):
        base, colon, name = topic.partition(":")
        of_one = base in _OF_ONE
        if base not in TOPICS or of_one != bool(colon) or (of_one and not _ULID.fullmatch(name)):
            names = ", ".join(TOPICS)
            raise invalid({"topics": f"{topic!r} is none of: {names} (output:<task_id>, collab:<session>)"})
    return topics


@dataclass(frozen=True, slots=True)
class Position:
    """The last event a reader has: of the run ``epoch``, number ``seq``."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"


def parse_position(text: str) -> Position | None:
    """None for an empty text. Raises 422."""
    if not text:
        return None
    found = _POSITION.fullmatch(text)
    if found is None:
        raise invalid({"after": "the id of an event, such as 0123abcd-42"})
    return Position(found[1], int(found[2]))


class Following:
    """One reader while it reads."""

    def __init__(
        self, events: EventBus, topics: frozenset[str], after: Position | None, refusal: Callable[[], Problem | None]
    ) -> None:
        loop, self._ready = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            # The loop is closed only after the last reader is gone.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._ready.set)

        self.wake = wake
        self._events = events
        self._refusal = refusal
        self.gap: dict[str, Any] | None = None
        """What is told first when something is gone that the reader never had."""
        if after is None:
            self.feed: MergingFeed = events.subscribe(topics, wake)
        else:
            self.feed, gone = events.resume(topics, wake, after.epoch, after.seq)
            if gone:
                reason = "too old" if after.epoch == events.epoch else "the engine was started anew"
                self.gap = {"after": str(after), "topics": gone, "reason": reason}

    def position(self, event: Event) -> str:
        """The id of ``event``."""
        return str(Position(self._events.epoch, event.seq))

    async def next(self, patience_s: float) -> Batch | None:
        """What is new, or None when nothing was for ``patience_s`` seconds.

        Raises 401 when the reader's token holds no longer, 503 when the engine stops.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._ready.wait()
        if (refusal := self._refusal()) is not None:
            raise refusal
        if not self._ready.is_set():
            return None
        self._ready.clear()
        return self.feed.take()


class Readers:
    """All readers of one server. ``holds`` says whether a caller may still read."""

    def __init__(self, events: EventBus, holds: Callable[[Caller], bool]) -> None:
        self._events = events
        self._holds = holds
        self._open: dict[Following, Caller] = {}
        self._stopping = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def reader(self, caller: Caller, topics: frozenset[str], after: Position | None = None) -> Iterator[Following]:
        """A reader as long as the block. Raises 429 when there are too many."""
        if not has_room(self._open.values(), caller, MOST_READERS):
            raise Problem(429, "busy", "Too many streams at once", "Close one first.", retry_after_s=1.0)
        following = Following(self._events, topics, after, lambda: self._refusal(caller))
        self._open[following] = caller
        try:
            yield following
        finally:
            del self._open[following]
            self._events.unsubscribe(following.feed)

    def look_again(self) -> None:
        """A token was revoked: whose stream it opened is found out now. Any thread may call."""
        for following in list(self._open):
            following.wake()

    def stop(self) -> None:
        """The engine stops: every reader is told, and ends."""
        self._stopping = True
        self.look_again()

    def _refusal(self, caller: Caller) -> Problem | None:
        if self._stopping:
            return Problem(503, "stopping", "The engine is stopping")
        if not self._holds(caller):
            return Problem(401, "token", "The token that opened this stream does not hold any more")
        return None

    def patience(self, caller: Caller, usual_s: float) -> float:
        """Seconds to wait at most: ``usual_s``, or until the caller's token expires."""
        if caller.expires_at is None:
            return usual_s
        return max(0.0, min(usual_s, caller.expires_at - time.time()))
