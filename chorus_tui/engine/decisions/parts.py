"""What the decisions feature is built on: every part of the engine it uses, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.vault.sealing import Sealing


class NotKept(Exception):
    """A record cannot be kept now; it may be tried again. The text says why."""


class Records(Protocol):
    """Where the record of an outcome goes."""

    async def keep(self, address: str, content: bytes, creator: str) -> None:
        """Sign and seal the record of what ``creator`` proposed, keep it under its address, announce it. Raises :class:`NotKept`."""
        ...

    def held(self, address: str) -> bool:
        """Whether the record is known here."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the decisions feature is built on."""

    me: str
    kind: Literal["agent", "human"]
    journal: Journal
    control: Control
    records: Records
    sealing: Sealing
    clock: Clock
    entropy: Entropy
    events: EventBus
