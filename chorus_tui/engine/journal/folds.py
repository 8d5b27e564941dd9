"""Who is given what: folds by message type, and the bounded local log of fleeting messages."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from chorus_tui.engine.journal.intake import Heard
from chorus_tui.engine.journal.interface import Fold

log = structlog.get_logger("chorus.journal")


@dataclass(frozen=True, slots=True)
class FleetingLine:
    """One line of the bounded local log of fleeting messages."""

    at: float
    log_type: str
    type: str
    author: str
    topic: str


@dataclass(slots=True)
class Folds:
    """Folds by the type they ask for."""

    by_type: dict[str, list[Fold]] = field(default_factory=dict)

    def add(self, fold: Fold) -> None:
        for name in fold.types:
            self.by_type.setdefault(name, []).append(fold)

    def apply(self, heard: Heard) -> None:
        """A fold that raises loses this entry, loudly; the others do not."""
        assert heard.entry is not None
        if heard.message is None:
            return
        for fold in self.by_type.get(heard.entry.type, ()):
            try:
                fold.apply(heard.entry, heard.message)
            except Exception:
                log.exception("A fold failed on an entry", entry=heard.entry.key, type=heard.entry.type)
