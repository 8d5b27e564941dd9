"""Goes over what is stored here with the rules of now: the journal's entries, the blobs.

Entries are signed and stay as they are; what is found in them is redacted wherever they are shown, from the moment the rules are
there. Blobs in which something is found are held, also those that were clean before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Final

import trio

from chorus_tui.contract.models.shhh import Replayed, ReplayedEntry
from chorus_tui.engine.journal.blobs.service import FileBlobs
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header
from chorus_tui.engine.shhh.doors import REPLAY
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.scanner import Finding

PAGE: Final = 200
MOST_TOLD: Final = 200


class Replaying:
    """Of one engine. ``name`` says what a peer is called."""

    def __init__(self, redactor: Redactor, blobs: FileBlobs, journal: FeedJournal, name: Callable[[str], str]) -> None:
        self._redactor = redactor
        self._blobs = blobs
        self._journal = journal
        self._name = name

    async def run(self) -> Replayed:
        """Everything; gives way between pages."""
        read, found, by_rule, told = 0, 0, Counter[str](), list[ReplayedEntry]()
        async for entry in self._entries():
            read += 1
            findings = self._redactor.find(entry.body or b"")
            if findings:
                found += 1
                by_rule.update(one.rule for one in findings)
                self._note(entry, findings)
                if len(told) < MOST_TOLD:
                    told.append(self._told(entry, findings))
        digests = await self._blobs.digests()
        held = [digest for digest in digests if await self._blobs.look_again(digest)]
        return Replayed(
            entries_read=read,
            found_entries=found,
            by_rule=dict(by_rule),
            entries=told,
            blobs_read=len(digests),
            held=held,
        )

    async def _entries(self) -> AsyncIterator[Entry]:
        """Of every author, page by page; the engine goes on between them."""
        key: tuple[str, str, int] | None = None
        while rows := self._journal.store.page_after(key, PAGE):
            for row in rows:
                entry = entry_from_header(*row, verified=True)
                key = entry.key
                yield entry
            await trio.lowlevel.checkpoint()

    def _note(self, entry: Entry, findings: list[Finding]) -> None:
        place, redactor = f"{entry.author[-8:]}/{entry.header.seq}", self._redactor
        for one in findings:
            redactor.audit.note(one.rule, one.severity, REPLAY, place, redactor.hash(one.secret), redactor.wall())

    def _told(self, entry: Entry, findings: list[Finding]) -> ReplayedEntry:
        author, epoch, seq = entry.key
        rules = sorted({one.rule for one in findings})
        return ReplayedEntry(
            author=author, author_name=self._name(author), epoch=epoch, seq=seq, type=entry.type, rules=rules
        )
