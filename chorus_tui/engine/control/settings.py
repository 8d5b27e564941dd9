"""What this peer was told, and how it fares: what the control log takes from outside."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """What this peer was told. ``binding`` names machine and file of the store, see :func:`control.store.binding`."""

    grace_s: float = 3.0
    expect: int = 1
    bootstrap: tuple[str, ...] = ()
    parameters: dict[str, float] = field(default_factory=dict)
    binding: str = ""
    ephemeral: bool = False
    """This identity is lost with its container."""


@dataclass(frozen=True, slots=True)
class Fare:
    """How this peer fares, for its score: whether it runs Docker, which share of its processors is free."""

    docker: bool = False
    free: float = 1.0
