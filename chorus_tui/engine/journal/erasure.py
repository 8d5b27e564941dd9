"""Erasure: a body goes from every disk when the control log says so; the header stays, so every chain still verifies.

``body_erased`` names an entry by number and hash. Its body is erased wherever it is kept, evidence included, never taken in
again, and never passed on. Features forget it: the folds that take its type are made anew without it, so that a peer that
never had the body comes to the same. The decision may arrive before the entry.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chorus_tui.engine.journal.intake import Heard
from chorus_tui.engine.journal.store import ERASED
from chorus_tui.engine.protocol.named import Named, named_entry

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

BODY_ERASED = "body_erased"


class Erasures:
    """What was erased; a fold over control logs, of whatever mesh."""

    def __init__(self, journal: FeedJournal) -> None:
        self._journal = journal
        self._erased: set[Named] = set()
        self._due: list[Named] = []
        self._scrubbed = True

    def apply(self, entry: Any) -> None:
        """One decided entry; one whose data name nothing is skipped, by every peer alike."""
        named = named_entry(entry.data) if entry.type == BODY_ERASED else None
        if named is not None and named not in self._erased:
            self._erased.add(named)
            self._due.append(named)
            # Also of one whose body is gone already: a crash may have come before the file was scrubbed.
            self._scrubbed = False
            self._journal.decided()

    def strip(self, heard: Heard) -> Heard:
        """What came in, without a body that was erased."""
        entry = heard.entry
        if entry is None or (*entry.key, entry.hash) not in self._erased:
            return heard
        return Heard(replace(entry, body=None, envelope=None), {}, None, ERASED, heard.vouched)

    async def follow(self) -> set[str]:
        """Make the store follow, under the journal's lock; the types of bodies that features may know and are gone."""
        store, gone = self._journal.store, set[str]()
        while self._due:
            named = self._due[-1]
            if store.has_body(*named):
                gone |= await store.erase(*named)
            # Only now: a disk that refuses is tried again. By name: while the disk wrote, more may have been decided.
            self._due.remove(named)
        if not self._scrubbed:
            self._scrubbed = True  # before: what is decided while the file is scrubbed needs it once more
            try:
                await store.scrub()
            except BaseException:
                self._scrubbed = False
                raise
        return gone
