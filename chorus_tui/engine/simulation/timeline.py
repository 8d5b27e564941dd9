"""What happened in a run, one line an event. The same seed gives the same lines, byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import trio


@dataclass(frozen=True, slots=True)
class Event:
    """``at`` in simulated seconds since the beginning; ``who`` is a peer's name, or empty for the world itself."""

    at: float
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.at:10.3f}  {self.who:<8}  {self.what}"


@dataclass(slots=True)
class Timeline:
    """All events of one run."""

    events: list[Event] = field(default_factory=list)

    def add(self, who: str, what: str) -> None:
        """Note something now."""
        self.events.append(Event(trio.current_time(), who, what.replace("\n", "⏎")))

    def last(self, count: int) -> list[str]:
        """The newest lines."""
        return [str(event) for event in self.events[-count:]]

    def digest(self) -> str:
        """A hash over all lines, to compare runs by."""
        return hashlib.sha256("\n".join(map(str, self.events)).encode()).hexdigest()
