"""What was found, without what it was: rule, severity, door, place, keyed hash, when, how often. Bounded.

The same secret at the same door is one record, whose count grows; so a program that prints one secret a million times costs
one line. The oldest record goes when there are too many.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from chorus_tui.engine.shhh.rules import Severity

MOST = 2_000


@dataclass(slots=True)
class Record:
    """One secret at one door. Times in seconds of the wall clock."""

    rule: str
    severity: Severity
    door: str
    place: str
    """Where it stood when it was seen last: the path in a message, and the character."""
    hash: str
    """Keyed: equal on this node for equal secrets, and of no use anywhere else."""
    first: float
    last: float
    count: int = 1


class AuditBook:
    """The records of this node, the newest last. May be written from any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._records: OrderedDict[tuple[str, str, str], Record] = OrderedDict()
        self.by_rule: Counter[str] = Counter()
        self.by_severity: Counter[str] = Counter()
        self.by_door: Counter[str] = Counter()
        self.changes = 0
        """Grows with every note, so that whoever keeps the book on disk sees when there is something new."""

    def note(self, rule: str, severity: Severity, door: str, place: str, keyed: str, now: float) -> None:
        """One more finding."""
        with self._lock:
            self.by_rule[rule] += 1
            self.by_severity[severity] += 1
            self.by_door[door] += 1
            self.changes += 1
            known = self._records.pop((rule, door, keyed), None)
            if known is None:
                known = Record(rule, severity, door, place, keyed, now, now, 0)
            known.last, known.place, known.count = now, place, known.count + 1
            self._records[rule, door, keyed] = known
            while len(self._records) > self._most:
                self._records.popitem(last=False)

    def newest(self, limit: int, *, rule: str = "", door: str = "") -> list[Record]:
        """The last ones first."""
        with self._lock:
            records = [
                one for one in reversed(self._records.values()) if rule in ("", one.rule) and door in ("", one.door)
            ]
        return records[:limit]

    def stored(self) -> list[dict[str, Any]]:
        """As JSON, the oldest first."""
        with self._lock:
            return [asdict(one) for one in self._records.values()]

    def restore(self, stored: Iterable[Any]) -> None:
        """What an earlier run knew, before what this one noted already. What is no record is left out."""
        names = {field.name for field in fields(Record)}
        with self._lock:
            own, self._records = self._records, OrderedDict()
            for one in stored:
                if isinstance(one, dict) and set(one) == names:
                    record = Record(**one)
                    self._records[record.rule, record.door, record.hash] = record
            self._records.update(own)
