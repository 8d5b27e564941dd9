"""One bar as Reverb sees it: claims gathered, and the report made of them. Pure.

Every peer gathers, so that whoever leads at the bar's end can report it; one agent counts once, an operation once in each phase.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from pydantic import TypeAdapter, ValidationError

from chorus_tui.engine.protocol.messages.beats import (
    AgentState,
    BarReport,
    BeatFrame,
    OperationClaim,
    Phase,
    StatusClaim,
)

MOST_AGENTS: Final = 1000
MOST_OPERATIONS: Final = 2000
MOST_NAMED: Final = 32
_CLAIMED: TypeAdapter[list[OperationClaim]] = TypeAdapter(list[OperationClaim])


class Bar:
    """From its first frame that was heard here."""

    def __init__(self, frame: BeatFrame) -> None:
        self.first = self.last = frame
        self._states: dict[str, tuple[int, AgentState]] = {}
        self._phases: dict[tuple[str, str], set[Phase]] = {}
        self._over: set[str] = set()
        self._drifts: list[int] = []

    def beat(self, frame: BeatFrame) -> None:
        """One more frame of this bar."""
        self.last = frame

    def has(self, beat_index: int) -> bool:
        """Whether a claim on this beat belongs here."""
        return self.first.beat_index <= beat_index <= self.last.beat_index

    def claim(self, claim: StatusClaim) -> None:
        """What an agent claimed; what its metadata hold besides, or in another form, is left alone."""
        known = self._states.get(claim.agent_id)
        if known is None and len(self._states) >= MOST_AGENTS:
            return
        if known is None or claim.beat_index >= known[0]:
            self._states[claim.agent_id] = (claim.beat_index, claim.state)
        drift = claim.metadata.get("drift_ms")
        if isinstance(drift, int) and len(self._drifts) < MOST_OPERATIONS:
            self._drifts.append(min(abs(drift), 86_400_000))
        try:
            told = _CLAIMED.validate_python(claim.metadata.get("operations", []))
        except ValidationError:
            return
        for one in told[:MOST_NAMED]:
            if (one.id, one.kind) not in self._phases and len(self._phases) >= MOST_OPERATIONS:
                continue
            self._phases.setdefault((one.id, one.kind), set()).update(one.phases)
            if one.beats > one.budget:
                self._over.add(one.id)

    def report(self, hlc: str) -> BarReport:
        """The bar is over."""
        by_kind: dict[str, Counter[Phase]] = {}
        for (_, kind), phases in self._phases.items():
            by_kind.setdefault(kind, Counter()).update(phases)
        drifts = self._drifts or [0]
        return BarReport(
            type="backbeat.barreport.v1", cluster_id=self.first.cluster_id, window_id=self.first.window_id,
            from_beat=self.first.beat_index, to_beat=self.last.beat_index, tempo_bpm=self.last.tempo_bpm, hlc=hlc,
            agents=dict(Counter(state for _, state in self._states.values())),
            operations=dict(sum(by_kind.values(), Counter())), by_kind={kind: dict(found) for kind, found in by_kind.items()},
            over_budget=sorted(self._over)[:MOST_NAMED], drift_max_ms=max(drifts), drift_mean_ms=round(sum(drifts) / len(drifts)),
        )  # fmt: skip
