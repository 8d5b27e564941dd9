"""The beat in words: one line of the beat, one of the last bar."""

from __future__ import annotations

from chorus_tui.contract.models.beats import Beats


def beat(beats: Beats) -> str:
    """Its number, the tempo, the bar's phase, what is wrong."""
    said = f"{beats.index}, {beats.tempo_bpm:g} a minute, {beats.phase}"
    return f"{said}, {beats.problem}" if beats.problem else said


def bar(beats: Beats) -> str:
    """Who did what in the last bar; empty before its report."""
    if beats.bar is None:
        return ""
    parts = [_counts(beats.bar.agents) or "nobody", _counts(beats.bar.operations)]
    if beats.bar.over_budget:
        parts.append(f"{len(beats.bar.over_budget)} over budget")
    return "; ".join(filter(None, parts))


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(found.items()))
