"""Counts what was said and decided since this engine started, as a fold of all feeds and of the control log.

The rule it keeps: each entry counts once, and only if it was made after the start. A journal that is replayed, a log that
a newcomer fetches, a fold that begins anew after an erasure: none of them moves a counter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.journal.hlc import Hlc
from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, TaskComplete
from chorus_tui.engine.protocol.messages.rooms import RoomMessage
from chorus_tui.engine.protocol.messages.tasks import TaskChecked
from chorus_tui.engine.tasks.task import Key
from chorus_tui.engine.telemetry.histogram import SIZE_BYTES, WORK_S, Histogram

MIB = float(1 << 20)
EARLIER_MS = 5_000
"""The clocks of others may be this much behind ours."""
RETURNS = {"task_released": "given_back", "task_expired": "expired"}
ENDINGS = {
    "task_accepted": "completed", "task_failed": "failed", "task_cancelled": "cancelled",
    "task_budget_exhausted": "budget_exhausted", "task_denied": "denied",
}  # fmt: skip


class Counting:
    """``announced_ms`` gives when a task was announced, or None when that is not known here."""

    types = frozenset(name for name, row in messages.TYPES.items() if row.durable)

    def __init__(self, me: str, started_s: float, announced_ms: Callable[[Key], int | None]) -> None:
        self._me = me
        self._from_ms = int(started_s * 1000) - EARLIER_MS
        self._announced_ms = announced_ms
        self._reached: dict[Hashable, int] = {}
        """The last number counted of each feed's epoch and of each mesh's log."""
        self.said: Counter[str] = Counter()
        """By the original's log type, of which there are few."""
        self.decided: Counter[str] = Counter()
        self.escalations = self.announced = 0
        self.waits = Histogram(WORK_S)
        self.completed = self.failed = self.agent_steps = 0
        self.errors: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()
        self.durations = Histogram(WORK_S)
        self.phases: dict[str, Histogram] = {}
        self.peak_memory = Histogram((*SIZE_BYTES, *(SIZE_BYTES[-1] * 4**power for power in (1, 2, 3))))
        self.output = Histogram(SIZE_BYTES)

    def _new(self, of: Hashable, number: int, hlc: str) -> bool:
        if number <= self._reached.get(of, -1) or Hlc.parse(hlc).ms < self._from_ms:
            return False
        self._reached[of] = number
        return True

    # ── what was said ──────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        header = entry.header
        if not self._new((header.author, header.epoch), header.seq, header.hlc):
            return
        self.said[messages.log_type(entry.type)] += 1
        self.announced += entry.type == "task_announcement"
        if entry.type == "escalation_trigger" or (isinstance(message, RoomMessage) and message.type == "escalation"):
            self.escalations += 1
        if header.author == self._me and isinstance(message, TaskComplete):
            self._of_result(message.result)
        elif header.author == self._me and isinstance(message, TaskChecked):
            self.checked[message.verdict] += 1

    def reset(self) -> None:
        """Counters never go back; what comes again is known by its number."""

    def _of_result(self, result: TaskResult) -> None:
        if result.outcome == "completed":
            self.completed += 1
        else:
            self.failed += 1
        if result.outcome == "error":
            self.errors[result.reason or "unknown"] += 1
        self.durations.observe(sum(result.phases.values()))
        for phase, seconds in result.phases.items():
            self.phases.setdefault(phase, Histogram(WORK_S)).observe(seconds)
        if result.max_memory_mb is not None:
            self.peak_memory.observe(result.max_memory_mb * MIB)
        self.output.observe(result.output_bytes)
        self.agent_steps += result.spent.steps if result.spent else 0

    # ── what was decided ───────────────────────────────────────────────────────────────────────────────────────────

    def decide(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        if not self._new(entry.mesh_id, entry.index, entry.hlc):
            return
        self.decided[entry.type] += 1
        if entry.type == "task_granted":
            announced = self._announced_ms((entry.mesh_id, str(entry.data.get("task_id", ""))))
            if announced is not None:
                self.waits.observe(max(0.0, (Hlc.parse(entry.hlc).ms - announced) / 1000))


class Decided:
    """The control log's fold of a :class:`Counting`: both folds have a method of one name."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting

    def apply(self, entry: ControlEntry) -> None:
        """See :meth:`Counting.decide`."""
        self._counting.decide(entry)
