"""The event bus: what the engine tells its clients. Publishing never blocks and never fails."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from chorus_tui.contract.events import Event
from chorus_tui.contract.feed import MergingFeed
from chorus_tui.engine.journal.kept_events import MOST_TOPICS, KeptEvents

RECENT_LINES = 200
LINGER_S = 60.0
"""So long a topic is still told after its last reader left, so that one who comes back misses nothing."""


def _as_it_is(data: Any) -> Any:
    return data


class EventBus:
    """Fan-out to bounded feeds. Subscribed from the API's thread, published from the engine's. ``redact`` sees every event, also
    those that are only kept for who comes back, but not updates of shared texts: their bytes belong together, and each was redacted
    by its writer."""

    def __init__(self, redact: Callable[[Any], Any] = _as_it_is, now: Callable[[], float] = time.monotonic) -> None:
        self.epoch = secrets.token_hex(4)
        """Names this run: numbers of events mean nothing in another."""
        self._redact = redact
        self._now = now
        self._lock = threading.Lock()
        self._seq = 0
        self._feeds: dict[MergingFeed, frozenset[str]] = {}
        self._recent: deque[Event] = deque(maxlen=RECENT_LINES)
        self._kept = KeptEvents()
        self._left: dict[str, float] = {}

    def publish(self, topic: str, key: str | None, data: Any) -> None:
        """``data`` is JSON-ready. A topic ``output:<id>`` reaches its own subscribers only."""
        if not topic.startswith("collab:"):
            data = self._redact(data)
        with self._lock:
            self._seq += 1
            event = Event(self._seq, topic, key, data)
            if topic == "log":
                self._recent.append(event)
            self._kept.put(event)
            feeds = [feed for feed, topics in self._feeds.items() if topic in topics]
        for feed in feeds:
            feed.put(event)

    def wanted(self, topic: str) -> bool:
        """Whether anybody listens, or did a moment ago, so that costly events need not be made."""
        with self._lock:
            if any(topic in topics for topics in self._feeds.values()):
                return True
            left = self._left.get(topic)
            if left is not None and self._now() - left < LINGER_S:
                return True
            self._left.pop(topic, None)
            self._kept.skip(topic, self._seq + 1)
            return False

    def subscribe(self, topics: Iterable[str], wake: Callable[[], None], *, capacity: int = 5000) -> MergingFeed:
        """A new feed of ``topics``; give it back with :meth:`unsubscribe`."""
        with self._lock:
            feed, wanted = self._new_feed(topics, wake, capacity)
            # A log without its last lines would say that nothing has happened.
            for event in self._recent if "log" in wanted else ():
                feed.put(event)
        return feed

    def resume(
        self, topics: Iterable[str], wake: Callable[[], None], epoch: str, seq: int, *, capacity: int = 5000
    ) -> tuple[MergingFeed, list[str]]:
        """A feed that goes on after event ``seq`` of the run ``epoch``, and the topics of which something in between is gone."""
        with self._lock:
            feed, wanted = self._new_feed(topics, wake, capacity)
            if epoch != self.epoch or seq > self._seq:
                past, gap = self._kept.after(0, wanted), sorted(wanted)
            else:
                past, gap = self._kept.after(seq, wanted), self._kept.gap(seq, wanted)
            # Before the lock is let go: an old state must not come after a new one and replace it.
            for event in past:
                feed.put(event)
        return feed, gap

    def unsubscribe(self, feed: MergingFeed) -> None:
        """Idempotent."""
        with self._lock:
            now = self._now()
            for topic in self._feeds.pop(feed, frozenset()):
                self._left.pop(topic, None)
                self._left[topic] = now
            while len(self._left) > MOST_TOPICS:
                del self._left[next(iter(self._left))]

    def _new_feed(
        self, topics: Iterable[str], wake: Callable[[], None], capacity: int
    ) -> tuple[MergingFeed, frozenset[str]]:
        feed = MergingFeed(wake, capacity=capacity)
        self._feeds[feed] = wanted = frozenset(topics)
        return feed, wanted
