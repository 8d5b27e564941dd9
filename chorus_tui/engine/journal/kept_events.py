"""What a reader that lost its connection has missed: the last events, bounded, and what is known to be gone. Pure.

Of a thing with a key only the newest state is kept, as its feed would merge it anyway; lines are kept in order. For whatever is let
go, its topic remembers up to which number: whoever comes back with an older one is told of a gap, never served a hole in silence.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any, Final

from chorus_tui.contract.events import Event

MOST_KEYS: Final = 10_000
MOST_LINES: Final = 5_000
MOST_TEXT: Final = 8 << 20
"""Characters of all lines together."""
MOST_TOPICS: Final = 4_096
_LINE: Final = 200
"""What a line costs beside its text."""


class KeptEvents:
    """The window. Numbers (``seq``) grow; not thread-safe."""

    def __init__(self, *, most_keys: int = MOST_KEYS, most_lines: int = MOST_LINES, most_text: int = MOST_TEXT) -> None:
        self._most_keys, self._most_lines, self._most_text = most_keys, most_lines, most_text
        self._latest: OrderedDict[tuple[str, str], Event] = OrderedDict()
        self._lines: deque[Event] = deque()
        self._text = 0
        self._gone: dict[str, int] = {}
        self._gone_of_one: OrderedDict[str, int] = OrderedDict()
        self._gone_of_any = 0

    def put(self, event: Event) -> None:
        """Keep ``event``; the oldest go when there is no room."""
        if event.key is not None:
            self._latest[event.topic, event.key] = event
            self._latest.move_to_end((event.topic, event.key))
            if len(self._latest) > self._most_keys:
                self._let_go(self._latest.popitem(last=False)[1])
            return
        self._lines.append(event)
        self._text += _cost(event.data)
        while len(self._lines) > self._most_lines or self._text > self._most_text:
            old = self._lines.popleft()
            self._text -= _cost(old.data)
            self._let_go(old)

    def after(self, seq: int, topics: Iterable[str]) -> list[Event]:
        """Those of ``topics`` with a greater number, in order."""
        wanted = frozenset(topics)
        found = [event for event in self._latest.values() if event.seq > seq and event.topic in wanted]
        found += [event for event in self._lines if event.seq > seq and event.topic in wanted]
        return sorted(found, key=lambda event: event.seq)

    def gap(self, seq: int, topics: Iterable[str]) -> list[str]:
        """Those of ``topics`` of which something with a greater number is gone."""
        return sorted(topic for topic in topics if self._gone_until(topic) > seq)

    def skip(self, topic: str, seq: int) -> None:
        """What would have had this number is not told at all, because nobody listens."""
        if ":" not in topic:
            self._gone[topic] = max(seq, self._gone.get(topic, 0))
            return
        # Topics of one thing (output:<task>) are as many as there are things: the oldest share one number.
        self._gone_of_one[topic] = max(seq, self._gone_of_one.get(topic, 0))
        self._gone_of_one.move_to_end(topic)
        if len(self._gone_of_one) > MOST_TOPICS:
            self._gone_of_any = max(self._gone_of_any, self._gone_of_one.popitem(last=False)[1])

    def _gone_until(self, topic: str) -> int:
        if ":" not in topic:
            return self._gone.get(topic, 0)
        return max(self._gone_of_one.get(topic, 0), self._gone_of_any)

    def _let_go(self, event: Event) -> None:
        self.skip(event.topic, event.seq)


def _cost(data: Any) -> int:
    text = data.get("text") if isinstance(data, dict) else None
    return _LINE + (len(text) if isinstance(text, str) else 0)
