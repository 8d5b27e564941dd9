"""Who is given what: folds by message type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from chorus_tui.engine.journal.intake import Heard
from chorus_tui.engine.journal.interface import Fold

log = structlog.get_logger("chorus.journal")


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

    def reset(self, types: Iterable[str]) -> Folds:
        """Let those that take one of these types forget everything said; they, alone, to be given all of it again at once."""
        again = Folds()
        touched = {id(fold): fold for name in types for fold in self.by_type.get(name, ())}
        for fold in touched.values():
            fold.reset()
            again.add(fold)
        return again
