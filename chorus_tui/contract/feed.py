"""A bounded, merging feed of events between two threads or two processes' ends.

A reader that is slow never slows the writer down and never uses more memory: events with a key are replaced by their
newest, events without one are dropped from the old end, and ``dropped`` says how many.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from chorus_tui.contract.events import Event


@dataclass(slots=True)
class Batch:
    """What was waiting: keyed events (newest of each), log events in order, and how many log events were dropped.

    ``fresh`` marks the first batch of a connection: what happened before it is not in the stream.
    """

    events: list[Event] = field(default_factory=list)
    dropped: int = 0
    fresh: bool = False


class MergingFeed:
    """One subscriber's feed. ``wake`` is called once when the feed turns non-empty, from the writer's thread."""

    def __init__(self, wake: Callable[[], None], *, capacity: int = 5000) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], Event] = {}
        self._lines: deque[Event] = deque(maxlen=capacity)
        self._dropped = 0
        self._armed = True

    def put(self, event: Event) -> None:
        """Add an event; never blocks, never fails."""
        with self._lock:
            if event.key is not None:
                self._latest[event.topic, event.key] = event
            else:
                if len(self._lines) == self._lines.maxlen:
                    self._dropped += 1
                self._lines.append(event)
            wake, self._armed = self._armed, False
        if wake:
            self._wake()

    def take(self) -> Batch:
        """Everything waiting, in order of ``seq``; the next event wakes again."""
        with self._lock:
            events = sorted([*self._latest.values(), *self._lines], key=lambda event: event.seq)
            batch = Batch(events, self._dropped)
            self._latest.clear()
            self._lines.clear()
            self._dropped = 0
            self._armed = True
        return batch
