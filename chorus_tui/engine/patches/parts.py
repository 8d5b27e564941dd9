"""What the patches feature is built on: every part of the engine it uses, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from chorus_tui.contract.models.decisions import Proposed, ProposeDecision
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Blobs, Journal
from chorus_tui.engine.patches.facts import Ballot, Revision
from chorus_tui.engine.ucxl.interface import Contents


@dataclass(frozen=True, slots=True)
class TaskChange:
    """The change that a task has made, as a patch is made of it. ``diff`` is a blob."""

    task_id: str
    title: str
    summary: str
    project_id: str
    repository: str
    base: str
    diff: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Of one peer. Features do not know each other: what belongs to another one comes as a function."""

    me: str
    kind: Literal["agent", "human"]
    journal: Journal
    control: Control
    blobs: Blobs
    clock: Clock
    entropy: Entropy
    events: EventBus
    redact: Callable[[str], str]
    """What text looks like to others."""
    ballots: Callable[[Revision], list[Ballot]]
    """Decisions that cite a revision."""
    propose: Callable[[ProposeDecision, Any], Awaitable[Proposed]]
    """Puts something to the vote, for a caller. Raises ``Problem``."""
    task_change: Callable[[str], TaskChange]
    """What a task has changed. Raises ``Problem``."""
    contents: Contents | None = None
    """Documents of the mesh; None: this peer has none."""
