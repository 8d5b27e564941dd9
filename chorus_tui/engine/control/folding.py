"""What decided entries do here: every feature's fold takes them, in their order."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from chorus_tui.engine.control.entries import cited_in
from chorus_tui.engine.control.interface import ControlEntry, ControlFold
from chorus_tui.engine.control.store import ControlStore
from chorus_tui.engine.journal.journal import FeedJournal

log = structlog.get_logger("chorus.control")


class Folding:
    """The folds, and the citations that the journal's forks are judged by."""

    def __init__(self, store: ControlStore, journal: FeedJournal) -> None:
        self._store = store
        self._journal = journal
        self._folds: list[ControlFold] = []
        journal.set_citations(self._citations)

    def add(self, fold: ControlFold) -> None:
        """It takes every entry from now on."""
        self._folds.append(fold)

    def replay(self, decided: list[ControlEntry]) -> None:
        """A fold that fails takes nothing from the others."""
        for entry in decided:
            for fold in self._folds:
                try:
                    fold.apply(entry)
                except Exception:
                    log.exception("A fold failed on a control entry", index=entry.index, type=entry.type)
            self._journal.forks_held.decided_on(set(cited_in(entry.raw)))

    def _citations(self) -> Iterator[str]:
        """Hashes that the decided entries of all logs kept here name."""
        for mesh_id in self._store.meshes():
            commit = self._store.commit(mesh_id)
            for raw, _ in self._store.raw_after(mesh_id, 0, commit.index if commit else 0):
                yield from cited_in(raw)
