"""What assistance is built on: every part of the engine it uses, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chorus_tui.engine.ai.voice import Voice
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.vault.sealing import Sealing


@dataclass(frozen=True, slots=True)
class Parts:
    """``agents()`` are the members as this peer knows them; ``name(peer id)`` is what people call one."""

    me: str
    journal: Journal
    control: Control
    mesh: Mesh
    clock: Clock
    events: EventBus
    board: Board
    agents: Callable[[], list[Agent]]
    name: Callable[[str | None], str]
    redact: Callable[[str], str]
    """What text looks like to others."""
    voice: Voice | None = None
    """None: this peer answers nothing by itself."""
    sealing: Sealing | None = None
    """None: nothing can be restricted to roles, nor read when it is."""
