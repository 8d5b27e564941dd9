"""The event bus: what the engine tells its clients. Publishing never blocks and never fails."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from chorus_tui.contract.events import Event
from chorus_tui.contract.feed import MergingFeed

RECENT_LINES = 200


class EventBus:
    """Fan-out to bounded feeds. Subscribed from the API's thread, published from the engine's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seq = itertools.count(1)
        self._feeds: dict[MergingFeed, frozenset[str]] = {}
        self._recent: deque[Event] = deque(maxlen=RECENT_LINES)

    def publish(self, topic: str, key: str | None, data: Any) -> None:
        """``data`` is JSON-ready. A topic ``output:<id>`` reaches its own subscribers only."""
        with self._lock:
            event = Event(next(self._seq), topic, key, data)
            if topic == "log":
                self._recent.append(event)
            feeds = [feed for feed, topics in self._feeds.items() if topic in topics]
        for feed in feeds:
            feed.put(event)

    def wanted(self, topic: str) -> bool:
        """Whether anybody listens, so that costly events need not be made."""
        with self._lock:
            return any(topic in topics for topics in self._feeds.values())

    def subscribe(self, topics: Iterable[str], wake: Callable[[], None], *, capacity: int = 5000) -> MergingFeed:
        """A new feed of ``topics``; give it back with :meth:`unsubscribe`."""
        feed = MergingFeed(wake, capacity=capacity)
        with self._lock:
            self._feeds[feed] = wanted = frozenset(topics)
            # A log without its last lines would say that nothing has happened.
            past = list(self._recent) if "log" in wanted else []
        for event in past:
            feed.put(event)
        return feed

    def unsubscribe(self, feed: MergingFeed) -> None:
        """Idempotent."""
        with self._lock:
            self._feeds.pop(feed, None)
