"""The beat of the mesh (BACKBEAT): frames that count time, claims of what each agent does, a report a bar.

Frames and claims have the original's fields and nothing else: unlike in other messages, what is unknown is refused, because
its services refuse it too.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import Message, MessageType

CLUSTER = r"^[A-Za-z0-9_-]{1,64}$"
BEAT_ID = r"^[A-Za-z0-9_:-]{1,128}$"
HLC = r"^[0-9a-fA-F]{4}:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}$"
MOST_METADATA = 16 * 1024
"""Bytes of metadata, as JSON."""

BarPhase = Literal["plan", "execute", "review"]
AgentState = Literal["idle", "planning", "executing", "reviewing", "completed", "failed", "blocked", "helping"]
Phase = Literal["planning", "dispatching", "discovering", "negotiating", "executing", "settling"]
_Id = Annotated[str, Field(pattern=BEAT_ID)]
_Count = Annotated[int, Field(ge=0)]


class _Exact(Message):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > MOST_METADATA:
        raise ValueError(f"metadata has at most {MOST_METADATA} bytes")
    return value


class BeatFrame(_Exact):
    """INT-A: the beat, from the one that gives it to all. ``deadline_at`` is when the next one is due (RFC 3339)."""

    type: Literal["backbeat.beatframe.v1"]
    cluster_id: str = Field(pattern=CLUSTER)
    beat_index: int = Field(ge=0)
    downbeat: bool
    phase: BarPhase
    hlc: str = Field(pattern=HLC)
    deadline_at: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$")
    tempo_bpm: float = Field(ge=0.1, le=1000)
    window_id: str = Field(pattern=r"^[0-9a-fA-F]{32}$")
    metadata: dict[str, Any] = Field(default_factory=dict)

    _metadata = field_validator("metadata")(_bounded)

    @field_validator("tempo_bpm")
    @classmethod
    def _in_tenths(cls, tempo: float) -> float:
        if abs(tempo * 10 - round(tempo * 10)) > 1e-6:
            raise ValueError("the tempo goes in steps of 0.1")
        return tempo


class Resources(BaseModel):
    """What an agent uses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu_percent: float | None = Field(default=None, ge=0)
    memory_mb: float | None = Field(default=None, ge=0)
    disk_io_ops: int | None = Field(default=None, ge=0)
    network_kb: float | None = Field(default=None, ge=0)


class StatusClaim(_Exact):
    """INT-B: what an agent does on a beat. Ours say in ``metadata`` which operations were in which phase (see the next class)."""

    type: Literal["backbeat.statusclaim.v1"]
    agent_id: _Id
    task_id: _Id | None = None
    beat_index: int = Field(ge=0)
    state: AgentState
    beats_left: int | None = Field(default=None, ge=0, le=1000)
    progress: float | None = Field(default=None, ge=0, le=1)
    notes: str | None = Field(default=None, max_length=256)
    hlc: str = Field(pattern=HLC)
    resources: Resources | None = None
    dependencies: list[_Id] | None = Field(default=None, max_length=32)
    metadata: dict[str, Any] = Field(default_factory=dict)

    _metadata = field_validator("metadata")(_bounded)


class OperationClaim(BaseModel):
    """One operation in a claim's metadata: phases it was in since the claim before, the beats it has taken, and its budget."""

    model_config = ConfigDict(frozen=True)

    id: _Id
    kind: Literal["task", "election", "dht"]
    phases: list[Phase] = Field(min_length=1, max_length=6)
    beats: float = Field(ge=0)
    budget: int = Field(ge=1)


class BarReport(Message):
    """INT-C: one bar, told by the admin. Agents by their last state, operations by every phase they were in; drift in
    milliseconds is how late beats were heard."""

    type: Literal["backbeat.barreport.v1"]
    cluster_id: str = Field(pattern=CLUSTER)
    window_id: str = Field(pattern=r"^[0-9a-fA-F]{32}$")
    from_beat: int = Field(ge=0)
    to_beat: int = Field(ge=0)
    tempo_bpm: float = Field(ge=0.1, le=1000)
    hlc: str = Field(pattern=HLC)
    agents: dict[AgentState, _Count] = Field(default_factory=dict)
    operations: dict[Phase, _Count] = Field(default_factory=dict)
    by_kind: dict[str, dict[Phase, _Count]] = Field(default_factory=dict, max_length=16)
    over_budget: list[_Id] = Field(default_factory=list, max_length=32)
    drift_max_ms: int = Field(default=0, ge=0)
    drift_mean_ms: int = Field(default=0, ge=0)


ROWS: dict[str, MessageType] = {
    "beat_frame": MessageType(
        BeatFrame, False, topics.BEATS, "network_event",
        "the admin", "each beat, every 30 s unless set", "agents count time by it and claim what they do",
    ),
    "status_claim": MessageType(
        StatusClaim, False, topics.BEATS, "network_event",
        "every agent", "it hears a beat", "the admin counts it in the bar's report",
    ),
    "bar_report": MessageType(
        BarReport, False, topics.BEATS, "network_event",
        "the admin", "a bar has ended", "status shows who did what in it, and what is over its budget",
    ),
}  # fmt: skip
