"""What the admin's rules take and give: its state of a term, whose words count, and acts for the control log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chorus_tui.engine.tasks.routing import Offer
from chorus_tui.engine.tasks.task import Key


@dataclass(frozen=True, slots=True)
class Act:
    """A proposal for the control log."""

    type_: str
    data: dict[str, Any]
    request: dict[str, Any] | None = None
    because: dict[str, Any] | None = None
    """What the admin says beside it: the message of a work allocation."""


@dataclass(frozen=True, slots=True)
class May:
    """Whose words count: ``announce(who)``, ``cancel(who, announcer)``, as granted in the control log."""

    announce: Callable[[str], bool]
    cancel: Callable[[str, str], bool]


@dataclass(slots=True)
class AdminState:
    """What only the admin of a term keeps, in its own monotonic time. A new admin starts with an empty one."""

    leases: dict[tuple[Key, int], float] = field(default_factory=dict)
    """When each running grant expires."""
    check_leases: dict[tuple[Key, int, str], float] = field(default_factory=dict)
    """When each run of checks is given up, by task, attempt and checker."""
    unchecked: dict[Key, float] = field(default_factory=dict)
    """Since when nobody but its own worker could check a result."""
    unapproved: dict[Key, float] = field(default_factory=dict)
    """Since when only the word of people keeps a task from being granted."""
    first_seen: dict[Key, float] = field(default_factory=dict)
    """A task's age: what the announcer's clock says cannot push others back for ever."""
    offers: dict[str, Offer] = field(default_factory=dict)
    hopeless: dict[Key, float] = field(default_factory=dict)
    """Since when nobody is left to try a task."""
    releases: dict[tuple[Key, int], str] = field(default_factory=dict)
    """Grants that their workers gave back, with the reason."""
    claims: dict[Key, str] = field(default_factory=dict)
    """Tasks that somebody asked for by hand."""
