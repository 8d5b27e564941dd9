"""What BACKBEAT is built on: every part of the engine it uses, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.tasks.board import Board


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What this peer was told. ``tempo_bpm`` and ``bar`` count where it gives the beat; ``endpoint`` empty: there is no service."""

    cluster: str = "chorus"
    endpoint: str = ""
    tempo_bpm: float = 2.0
    bar: int = 120


@dataclass(frozen=True, slots=True)
class Occupied:
    """How this peer is occupied. ``blocked``: why it can take no task, in words; empty when it can, or is not to."""

    running: int = 0
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """``occupied`` is asked on each beat. ``dht_known`` gives the peers in the DHT's table; None: there is no DHT."""

    me: str
    agent_id: str
    rhythm: Rhythm
    journal: Journal
    control: Control
    mesh: Mesh
    clock: Clock
    board: Board
    occupied: Callable[[], Occupied] = Occupied
    dht_known: Callable[[], int] | None = None
