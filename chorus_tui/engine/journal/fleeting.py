"""Fleeting messages: given to the one handler of their type, and kept as lines of a bounded local log."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from chorus_tui.contract.models.journal import FleetingLog, FleetingMessage
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.journal.interface import FleetingHandler
from chorus_tui.engine.journal.spans import Span
from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.messages import Message

KEPT = 2000


@dataclass(slots=True)
class Fleeting:
    """Of one peer."""

    clock: Clock
    handlers: dict[str, FleetingHandler] = field(default_factory=dict)
    lines: deque[FleetingMessage] = field(default_factory=lambda: deque(maxlen=KEPT))

    async def hear(self, type_: str, author: str, message: Message, topic: str) -> None:
        """One message by another member."""
        line = FleetingMessage(
            at=self.clock.wall(), log_type=messages.log_type(type_), type=type_, author=author, topic=topic
        )
        self.lines.append(line)
        handler = self.handlers.get(type_)
        if handler is not None:
            await handler(author, message, topic)

    def tail(self, limit: int, type_: str | None, author: str | None, span: Span) -> FleetingLog:
        """The newest ``limit`` of a type, an author and a stretch of time, oldest of them first."""
        found = [
            line
            for line in self.lines
            if type_ in (None, line.type) and author in (None, line.author) and span.holds(line.at * 1000)
        ]
        return FleetingLog(messages=found[-limit:])
