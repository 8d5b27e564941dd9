"""What this peer's model has to say when it is addressed: one bounded question, one JSON object, or silence.

For short words beside the work on tasks: an answer in a room, an objection, a plan. One question at a time, so many a minute,
each of bounded size. A model that fails, or answers with something else, says nothing; nobody waits for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import structlog
import trio

from chorus_tui.engine.ai.agent.conversation import bounded
from chorus_tui.engine.ai.interface import AiError, Ask, Message, Models
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

log = structlog.get_logger("chorus.ai.voice")

MATERIAL_BYTES = 24_000
MOST_A_MINUTE = 12


class Voice:
    """The model of an agent, asked to speak in its role. ``redact`` sees what it is told before that is cut."""

    def __init__(
        self, models: Models, system: Callable[[str], str], role: str, clock: Clock, redact: Callable[[str], str]
    ) -> None:
        self._models = models
        self._system = system
        self.role = role
        """In which it speaks; can change."""
        self._clock = clock
        self._redact = redact
        self._turn = trio.Lock()
        self._asked: deque[float] = deque()

    @property
    def available(self) -> bool:
        """Whether it could speak now."""
        return self._models.available and not self._hoarse()

    async def answer(
        self, instructions: str, material: str, schema: Mapping[str, Any], max_tokens: int = 600
    ) -> dict[str, Any] | None:
        """What it says about ``material``, as an object that follows ``schema``; None: nothing."""
        async with self._turn:
            if not self.available:
                return None
            self._asked.append(self._clock.monotonic())
            messages = (
                Message("system", f"{self._system(self.role)}\n\n{instructions}"),
                Message("user", bounded(self._redact(material), MATERIAL_BYTES)),
            )
            try:
                answer = await self._models.ask(Ask(messages, schema, max_tokens, role=self.role))
                value = canonical.decode_frame(answer.text.encode())
            except (AiError, WireError) as error:
                log.info("The model has nothing to say", reason=str(error))
                return None
        return value if isinstance(value, dict) else None

    def _hoarse(self) -> bool:
        """Whether it has spoken enough in this minute."""
        now = self._clock.monotonic()
        while self._asked and now - self._asked[0] > 60.0:
            self._asked.popleft()
        return len(self._asked) >= MOST_A_MINUTE
