"""What coordination is built on: every part of the engine it uses, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chorus_tui.engine.ai.voice import Voice
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.peers.service import PeerService
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Key


@dataclass(frozen=True, slots=True)
class Parts:
    """``name(peer id)`` is what people call a peer; ``touched(task)`` hears of tasks whose sessions changed."""

    me: str
    agent_id: str
    journal: Journal
    control: Control
    mesh: Mesh
    clock: Clock
    events: EventBus
    board: Board
    peers: PeerService
    name: Callable[[str | None], str]
    touched: Callable[[Key], None]
    voice: Voice | None = None
    """None: this peer says nothing by itself."""
