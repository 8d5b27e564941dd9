"""A thread of a room: its messages as a tree, whatever the order in which they came. Pure.

A message without the one it answers stands at the top until that one comes. Messages that answer each other in a circle are
shown once each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chorus_tui.engine.protocol.messages.rooms import RoomMessage
from chorus_tui.engine.protocol.messages.talk import EscalationTrigger

Order = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One message as its author said it. ``tick`` orders what was said in one millisecond, ``at_ms`` is the author's clock."""

    author: str
    hash: str
    at_ms: int
    tick: int
    said: RoomMessage
    epoch: str = ""
    seq: int = 0
    hidden: bool = False
    """It is sealed, and not for this peer."""

    @property
    def order(self) -> Order:
        """For display, and between messages of one author."""
        return (self.at_ms, self.tick, self.hash)


@dataclass(frozen=True, slots=True)
class Raised:
    """Somebody said that a person is needed."""

    author: str
    hash: str
    at_ms: int
    said: EscalationTrigger

    @property
    def order(self) -> tuple[int, str]:
        """The first of several with one cause is the one that is shown."""
        return (self.at_ms, self.hash)


@dataclass(slots=True)
class Thread:
    """Lines by their entry's hash, and what was raised. A set of facts: no order of arrival is kept."""

    issue_id: str
    thread_id: str
    member: Callable[[str], bool]
    """Whether a peer is, or ever was, a member: what others say that it held and was silent about counts for nothing else."""
    lines: dict[str, Line] = field(default_factory=dict)
    raised: dict[str, Raised] = field(default_factory=dict)
    _by_id: dict[str, Line] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Take one in; the same one twice is one. Of several messages with one id the earliest is meant by it."""
        self.lines[line.hash] = line
        known = self._by_id.get(line.said.msg_id)
        if known is None or line.order < known.order:
            self._by_id[line.said.msg_id] = line

    def find(self, msg_id: str) -> Line | None:
        """The message of this id."""
        return self._by_id.get(msg_id)

    def in_order(self) -> list[Line]:
        """By the authors' clocks."""
        return sorted(self.lines.values(), key=lambda line: line.order)

    def parent(self, line: Line) -> Line | None:
        """The message that it answers, if it is here and another."""
        found = self.find(line.said.parent_id) if line.said.parent_id else None
        return None if found is None or found.hash == line.hash else found

    def above(self, line: Line) -> Iterator[Line]:
        """The messages that it answers, nearest first; a circle ends where it closes."""
        seen = {line.hash}
        found = self.parent(line)
        while found is not None and found.hash not in seen:
            yield found
            seen.add(found.hash)
            found = self.parent(found)

    def replies(self, line: Line) -> list[Line]:
        """Answers to it, in order."""
        return [other for other in self.in_order() if (up := self.parent(other)) is not None and up.hash == line.hash]

    def tree(self) -> list[tuple[int, Line]]:
        """(depth, line) as they are to be shown: each under what it answers, each once."""
        below: dict[str, list[Line]] = {}
        for line in self.in_order():
            up = self.parent(line)
            below.setdefault(up.hash if up else "", []).append(line)
        shown: dict[str, tuple[int, Line]] = {}
        for line in [*below.get("", []), *self.in_order()]:  # the second: circles, which hang on nothing
            _descend(line, below, shown)
        return list(shown.values())


def _descend(top: Line, below: dict[str, list[Line]], shown: dict[str, tuple[int, Line]]) -> None:
    """``top`` and all below it that is not shown yet."""
    waiting = [(0, top)]
    while waiting:
        depth, line = waiting.pop()
        if line.hash not in shown:
            shown[line.hash] = (depth, line)
            waiting += [(depth + 1, reply) for reply in reversed(below.get(line.hash, []))]
