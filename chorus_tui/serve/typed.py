"""How fast a guest of a served portal may type: what the portal holds of it must not grow with what somebody can send."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual import events
from textual.message import Message


@dataclass(slots=True)
class Typing:
    """What one session may type: ``rate`` a second, ``burst`` at once. The rest waits at the sender. Pure; times in seconds."""

    now: float
    rate: float = 400.0
    burst: float = 4000.0
    _left: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._left = self.burst

    def draw(self, amount: float, now: float) -> float:
        """Take ``amount``; how long to wait until something may be taken again (0: not at all)."""
        self._left = min(self._left + (now - self.now) * self.rate, self.burst) - amount
        self.now = now
        return max(-self._left / self.rate, 0.0)


def cost(message: Message) -> float:
    """What something typed costs: each key one, text that is pasted a thousandth a character."""
    return 1 + (len(message.text) / 1000 if isinstance(message, events.Paste) else 0)
