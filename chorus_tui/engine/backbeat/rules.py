"""Counting time: which beat, which bar, how late. Pure; seconds are monotonic unless they are called wall."""

from __future__ import annotations

import hashlib
from typing import Final

from chorus_tui.engine.protocol.messages.beats import BarPhase, BeatFrame

PLANNED: Final = 0.1
"""Share of a bar that is for planning, and at its end the same for review."""
LATE: Final = 0.25
"""Share of a beat that it may be late before it is a degradation."""
MISSED: Final = 2.0
"""Beats without a frame after which the source counts as silent."""


def beat_s(tempo_bpm: float) -> float:
    """Seconds a beat."""
    return 60.0 / tempo_bpm


def tenths(tempo_bpm: float) -> float:
    """The tempo as frames carry it, in steps of 0.1."""
    return round(tempo_bpm * 10) / 10


def first_index(wall_s: float, tempo_bpm: float) -> int:
    """Where to begin when no beat is known: by the calendar, so that a mesh that was off does not count backwards."""
    return int(max(0.0, wall_s) / beat_s(tempo_bpm))


def place(index: int, bar: int) -> tuple[bool, BarPhase]:
    """Whether a beat is the first of its bar, and the bar's phase."""
    at = index % bar
    edge = int(bar * PLANNED)
    return at == 0, "plan" if at < edge else "review" if at >= bar - edge else "execute"


def window(mesh_id: str, index: int, bar: int) -> str:
    """The id of a beat's bar: the same whoever leads, so that a new admin goes on with the bar."""
    return hashlib.sha256(f"{mesh_id}:{bar}:{index // bar}".encode()).hexdigest()[:32]


def hlc(wall_s: float, counter: int, node: str) -> str:
    """BACKBEAT's short form: the second, a counter, the node, each in four hex digits; it wraps, as theirs does."""
    mark = hashlib.sha256(node.encode()).hexdigest()[:4]
    return f"{int(wall_s) & 0xFFFF:04x}:{counter & 0xFFFF:04x}:{mark}"


def newer(known: BeatFrame | None, frame: BeatFrame) -> bool:
    """Beats only go up."""
    return known is None or frame.beat_index > known.beat_index


def drift_s(before: tuple[int, float], now: tuple[int, float], tempo_bpm: float) -> float:
    """How much later than due a beat came, by (index, time heard) of the one before; negative: earlier."""
    (index, at), (next_index, next_at) = before, now
    return (next_at - at) - (next_index - index) * beat_s(tempo_bpm)


def due(heard_at: float, tempo_bpm: float) -> float:
    """When the beat after one that was heard is due."""
    return heard_at + beat_s(tempo_bpm)


def silent(heard_at: float, now: float, tempo_bpm: float) -> bool:
    """Whether the source has missed beats."""
    return now - heard_at > MISSED * beat_s(tempo_bpm)


def budget(seconds: float, tempo_bpm: float) -> int:
    """Beats that something of this length may take; at least one."""
    return max(1, int(-(-seconds // beat_s(tempo_bpm))))
