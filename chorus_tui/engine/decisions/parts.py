"""What the decisions feature is built on: every part of the engine it uses, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Blobs, Journal
from chorus_tui.engine.vault.sealing import Sealing


@dataclass(frozen=True, slots=True)
class Parts:
    """What the decisions feature is built on."""

    me: str
    kind: Literal["agent", "human"]
    journal: Journal
    control: Control
    blobs: Blobs
    sealing: Sealing
    clock: Clock
    entropy: Entropy
    events: EventBus
