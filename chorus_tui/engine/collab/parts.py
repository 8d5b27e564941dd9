"""What shared texts are built on: every part of the engine they use, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Blobs, Journal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.ucxl.interface import Contents


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


MakePatch = Callable[[str, str, str], Awaitable[str]]
"""(address, the text now, title) → the id of the patch of that document."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Of one peer. ``voice`` is None on a person's engine, and without a model."""

    me: str
    agent_id: str
    kind: Literal["agent", "human"]
    journal: Journal
    control: Control
    mesh: Mesh
    blobs: Blobs
    clock: Clock
    entropy: Entropy
    events: EventBus
    redact: Callable[[str], str]
    """What text looks like to others."""
    voice: Voice | None = None
    contents: Contents | None = None
    make_patch: MakePatch | None = None

    @property
    def role(self) -> str:
        """As the mesh granted it; empty: none."""
        member = self.control.members.get(self.me)
        return member.role if member is not None else ""
