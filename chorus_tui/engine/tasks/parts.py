"""What the tasks feature is built on: every part of the engine it uses, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Blobs, Journal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.tasks.agent_at_work import Mind
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.run import Planning, StreamRedactor
from chorus_tui.engine.tasks.worker import Skills


@dataclass(frozen=True, slots=True)
class Parts:
    """What the tasks feature is built on."""

    me: str
    agent_id: str
    journal: Journal
    control: Control
    mesh: Mesh
    blobs: Blobs
    executor: Any
    repositories: Any
    clock: Clock
    entropy: Entropy
    events: EventBus
    redactor: Callable[[], StreamRedactor]
    agents: Callable[[], list[Agent]]
    docker_languages: Callable[[], tuple[str, ...] | None]
    skills: Skills
    recall: Callable[[TaskSpec, str], Awaitable[str]]
    """What the mesh has learned that has to do with a task, in words."""
    mind: Mind | None = None
    """None: tasks with a goal are not taken."""
    planning: Planning | None = None
    """None: no plan can be put to others here."""
