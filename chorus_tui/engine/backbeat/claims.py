"""What an agent claims on a beat. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chorus_tui.engine.protocol.messages.beats import AgentState, OperationClaim, StatusClaim
from chorus_tui.engine.shhh.cutting import beginning

_OTHER = re.compile(r"[^A-Za-z0-9_:-]")


@dataclass(frozen=True, slots=True)
class Doing:
    """How this agent is occupied. ``task_id`` of the one that has run longest here, or that ended since the beat before;
    ``took_s`` and ``limit_s`` of that task."""

    running: int = 0
    helping: bool = False
    blocked: str = ""
    ended: str = ""
    task_id: str = ""
    took_s: float = 0.0
    limit_s: float = 0.0


def name(agent_id: str) -> str:
    """An agent id in BACKBEAT's letters, which have no dot."""
    return _OTHER.sub("_", agent_id)[:128] or "_"


def state(doing: Doing) -> AgentState:
    """In one of the eight words: an end is told once, before what comes next."""
    if doing.ended:
        return "completed" if doing.ended == "completed" else "failed"
    if doing.running:
        return "helping" if doing.helping else "executing"
    return "blocked" if doing.blocked else "idle"


def claim(
    agent_id: str,
    beat_index: int,
    doing: Doing,
    operations: list[OperationClaim],
    drift_s: float,
    beat_s: float,
    hlc: str,
) -> StatusClaim:
    """The whole claim."""
    left = max(0.0, doing.limit_s - doing.took_s) / beat_s
    at_work = bool(doing.task_id) and not doing.ended
    return StatusClaim(
        type="backbeat.statusclaim.v1", agent_id=name(agent_id), task_id=name(doing.task_id) if doing.task_id else None,
        beat_index=beat_index, state=state(doing), beats_left=min(1000, int(left)) if at_work else None,
        progress=round(min(1.0, doing.took_s / doing.limit_s), 3) if at_work and doing.limit_s else None,
        notes=beginning(doing.blocked, 256) or None, hlc=hlc,
        metadata={
            "drift_ms": round(drift_s * 1000), "operations": [one.model_dump(mode="json") for one in operations],
        },
    )  # fmt: skip
