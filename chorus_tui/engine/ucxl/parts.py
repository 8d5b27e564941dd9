"""What content under addresses is built on: every part of the engine it uses, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from chorus_tui.contract.models.blobs import BlobHolders
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Blobs, Journal
from chorus_tui.engine.vault.interface import Vault

Fallback = Callable[[str], Awaitable[bytes | None]]
"""Bytes by their digest from somewhere else than the members in reach, or None."""


@dataclass(slots=True)
class Parts:
    """Of one peer. ``holders`` asks who vouches for a blob now; ``pin`` keeps one here by hand, fetched first."""

    me: str
    kind: Literal["agent", "human"]
    journal: Journal
    control: Control
    blobs: Blobs
    vault: Vault
    clock: Clock
    events: EventBus
    redact: Callable[[str], str]
    holders: Callable[[str], Awaitable[BlobHolders]]
    pin: Callable[[str], Awaitable[None]]
    fallback: Fallback | None = None
    """Asked before content counts as unavailable; set by who has such a place."""
