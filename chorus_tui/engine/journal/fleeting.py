"""Fleeting messages: given to the one handler of their type, and kept as lines of a bounded local log."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.journal.interface import FleetingHandler
from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.messages import Message

KEPT = 2000


@dataclass(frozen=True, slots=True)
class FleetingLine:
    """One line of the log; ``at`` in Unix seconds."""

    at: float
    log_type: str
    type: str
    author: str
    topic: str


@dataclass(slots=True)
class Fleeting:
    """Of one peer."""

    clock: Clock
    handlers: dict[str, FleetingHandler] = field(default_factory=dict)
    lines: deque[FleetingLine] = field(default_factory=lambda: deque(maxlen=KEPT))

    async def hear(self, type_: str, author: str, message: Message, topic: str) -> None:
        """One message by another member."""
        self.lines.append(FleetingLine(self.clock.wall(), messages.log_type(type_), type_, author, topic))
        handler = self.handlers.get(type_)
        if handler is not None:
            await handler(author, message, topic)
