"""The event bus: what the engine tells its clients. Publishing never blocks and never fails."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from typing import Any

from chorus_tui.contract.events import Event
from chorus_tui.contract.feed import MergingFeed


class EventBus:
    """Fan-out to bounded feeds. Subscribed from the API's thread, published from the engine's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seq = itertools.count(1)
        self._feeds: dict[MergingFeed, frozenset[str]] = {}

    def publish(self, topic: str, key: str | None, data: Any) -> None:
        """``data`` is JSON-ready. A topic ``output:<id>`` reaches its own subscribers only."""
        with self._lock:
            event = Event(next(self._seq), topic, key, data)
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
            self._feeds[feed] = frozenset(topics)
        return feed

    def unsubscribe(self, feed: MergingFeed) -> None:
        """Idempotent."""
        with self._lock:
            self._feeds.pop(feed, None)
