"""The beat of the mesh, as this peer hears it."""

from __future__ import annotations

from pydantic import Field

from chorus_tui.contract.models.common import Answer


class BarSummary(Answer):
    """The last bar that was reported: agents by state, operations by every phase they were in."""

    from_beat: int
    to_beat: int
    agents: dict[str, int] = Field(default_factory=dict)
    operations: dict[str, int] = Field(default_factory=dict)
    over_budget: list[str] = Field(default_factory=list, description="Operations that took more beats than they may")
    drift_max_ms: int = 0


class Beats(Answer):
    """The newest beat. ``drift_ms``: how much later than due it came."""

    index: int
    tempo_bpm: float
    phase: str
    drift_ms: int
    problem: str = Field(default="", description="In words; empty when beats come as they should")
    bar: BarSummary | None = None
