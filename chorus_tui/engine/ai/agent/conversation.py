"""What a model is shown: one line of turns that only grows at its end, bounded by leaving out old observations. Pure.

The system prompt, the goal and every action stay; of observations the newest stay whole. What was left out is said in
its place, so that the agent can look again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chorus_tui.engine.ai.interface import Message, Role

SHOWN_BYTES = 48_000
"""Of all turns together; about 12,000 tokens."""
OBSERVATION_BYTES = 9_000
"""Of one observation."""


@dataclass(slots=True)
class _Turn:
    message: Message
    step: int = 0
    """Of an observation; 0: never left out."""


@dataclass(slots=True)
class Conversation:
    """The turns so far. ``most`` bounds what is shown, in bytes."""

    most: int = SHOWN_BYTES
    _turns: list[_Turn] = field(default_factory=list)

    def say(self, role: Role, text: str) -> None:
        """A turn that stays."""
        self._turns.append(_Turn(Message(role, text)))

    def observe(self, step: int, text: str) -> None:
        """What came of a step; the middle is left out where it is too long."""
        self._turns.append(_Turn(Message("user", bounded(text, OBSERVATION_BYTES)), step))

    def shown(self) -> tuple[Message, ...]:
        """The turns as the model gets them: two of one role in a row are one, since some templates refuse them."""
        size = sum(_size(turn.message) for turn in self._turns)
        messages: list[Message] = []
        last = max((turn.step for turn in self._turns), default=0)
        for turn in self._turns:
            message = turn.message
            if turn.step and turn.step != last and size > self.most:
                short = Message(message.role, f"[observation of step {turn.step} left out: {_size(message)} bytes]")
                size -= max(0, _size(message) - _size(short))
                message = short if _size(short) < _size(message) else message
            if messages and messages[-1].role == message.role:
                messages[-1] = Message(message.role, f"{messages[-1].content}\n\n{message.content}")
            else:
                messages.append(message)
        return tuple(messages)


def bounded(text: str, most: int) -> str:
    """At most about ``most`` bytes: the beginning and the end, and between them how much is missing."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    half = most // 2
    head, tail = raw[:half].decode("utf-8", "ignore"), raw[-half:].decode("utf-8", "ignore")
    return f"{head}\n[… {len(raw) - 2 * half} bytes left out …]\n{tail}"


def size_of(messages: tuple[Message, ...]) -> int:
    """Bytes of all of them."""
    return sum(_size(message) for message in messages)


def _size(message: Message) -> int:
    return len(message.content.encode())
