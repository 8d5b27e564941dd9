"""What the rooms are built on: every part of the engine they use, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.hmmm.thread import Line
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.vault.sealing import Sealing


class Voice(Protocol):
    """The model of an agent; see :class:`chorus_tui.engine.ai.voice.Voice`."""

    @property
    def available(self) -> bool:
        """Whether it could speak now."""
        ...

    async def answer(
        self, instructions: str, material: str, schema: Mapping[str, Any], max_tokens: int = 600
    ) -> dict[str, Any] | None:
        """An object that follows ``schema``, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """Of one peer. ``voice`` is None on a person's engine, and without a model."""

    me: str
    agent_id: str
    journal: Journal
    control: Control
    mesh: Mesh
    clock: Clock
    entropy: Entropy
    events: EventBus
    sealing: Sealing
    redact: Callable[[str], str]
    """What text looks like to others."""
    voice: Voice | None = None
    templates_dir: str = ""
    project: Callable[[str], str] = lambda _issue_id: ""
    """The project that a room belongs to; empty: none."""
    decide: Callable[[Line], Awaitable[None]] | None = None
    """Puts an agreed proposal to a vote. Asked again after a crash: once for a line's hash, however often it is called."""

    @property
    def role(self) -> str:
        """As the mesh granted it; empty: none."""
        member = self.control.members.get(self.me)
        return member.role if member is not None else ""

    @property
    def expertise(self) -> tuple[str, ...]:
        """As the mesh granted it."""
        member = self.control.members.get(self.me)
        return member.expertise if member is not None else ()
