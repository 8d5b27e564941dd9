"""Single signatures of what came in bulk: checked in the background, and fetched anew where one is wrong.

An entry that a later signature covers counts at once (:mod:`chorus_tui.engine.journal.vouching` says why that is safe). Its own
signature is checked here afterwards, a little at a time, so that live work does not wait. One that is wrong takes
nothing back: the text is the author's all the same. It is noted and said, and other members are asked for the entry again,
until one has it with a good signature. Meanwhile it is passed on as it is, for every receiver judges by the same rule, but it
is no evidence of a fork, and an export in which it stands does not verify.

What is still to be checked is on disk with the entries themselves, so a crash forgets none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import trio

from chorus_tui.engine.journal.database import Connection, Database
from chorus_tui.engine.journal.vouching import signed
from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

Span = tuple[str, str, int, int]
"""(author, epoch, first, last)."""
Key = tuple[str, str, int]
QUESTIONS = 16
"""To one member in one replication."""
AT_ONCE = 16
"""Signatures checked before others get their turn: about a millisecond."""
PAUSE_S = 0.02
"""Between them: at most a tenth of a core goes into the past."""


def spans(entries: Iterable[Entry]) -> list[Span]:
    """Entries in their order as stretches of one epoch."""
    found: list[Span] = []
    for entry in entries:
        author, epoch, seq = entry.key
        if found and (author, epoch, seq) == (*found[-1][:2], found[-1][3] + 1):
            found[-1] = (author, epoch, found[-1][2], seq)
        else:
            found.append((author, epoch, seq, seq))
    return found


def note(connection: Connection, unchecked: list[Span]) -> None:
    """In the transaction that stores the entries."""
    connection.executemany("INSERT OR REPLACE INTO unchecked VALUES (?,?,?,?)", unchecked)


class Signatures:
    """What is still to be checked or mended, of one journal."""

    def __init__(self, journal: FeedJournal, database: Database) -> None:
        self._journal = journal
        self._db = database
        self._due = trio.Event()

    def due(self) -> None:
        """Something was stored that is to be checked."""
        self._due.set()

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            self._due = trio.Event()
            while (span := self._next()) is not None:
                await self._check(span)
            await self._due.wait()

    def unchecked(self) -> int:
        """How many entries wait to be checked."""
        query = "SELECT coalesce(sum(last - first + 1), 0) FROM unchecked"
        return int(self._db.read(lambda c: c.execute(query).fetchone())[0])

    def garbled(self) -> int:
        """How many are known to have a wrong signature."""
        return int(self._db.read(lambda c: c.execute("SELECT count(*) FROM garbled").fetchone())[0])

    async def mend_from(self, peer_id: str) -> None:
        """Ask this member for right signatures, a stretch of its feed at a time."""
        asked: set[Key] = set()
        while (open_ := self._wanted()) and len(asked) < QUESTIONS:
            first = next((key for key in open_ if key not in asked), None)
            if first is None:
                return
            asked.add(first)
            author, epoch, seq = first
            found = await self._journal.replication.branch(peer_id, author, epoch, seq + 1)
            await self._mend([entry for entry in found if entry.key in open_])

    def _wanted(self) -> list[Key]:
        query = "SELECT author, epoch, seq FROM garbled ORDER BY author, epoch, seq DESC LIMIT 256"
        return self._db.read(lambda c: c.execute(query).fetchall())

    async def _mend(self, entries: list[Entry]) -> None:
        """Take the signatures, which were checked, where these are the entries held here."""

        def work(c: Connection) -> None:
            for entry in entries:
                query = "UPDATE entries SET sig = ? WHERE author = ? AND epoch = ? AND seq = ? AND hash = ?"
                if c.execute(query, (entry.sig, *entry.key, entry.hash)).rowcount:
                    c.execute("DELETE FROM garbled WHERE author = ? AND epoch = ? AND seq = ?", entry.key)

        if entries:
            await self._db.write(work)

    def _next(self) -> Span | None:
        span: Span | None = self._db.read(lambda c: c.execute("SELECT * FROM unchecked LIMIT 1").fetchone())
        return span

    async def _check(self, span: Span) -> None:
        author, epoch, first, last = span
        wrong: list[Key] = []
        for start in range(first, last + 1, AT_ONCE):
            for header, sig, _ in self._journal.store.range(author, epoch, start, min(AT_ONCE, last + 1 - start)):
                entry = entry_from_header(header, sig, None, verified=True)
                if not signed(entry):
                    wrong.append(entry.key)
            await trio.sleep(PAUSE_S)

        def work(c: Connection) -> None:
            c.executemany("INSERT OR IGNORE INTO garbled VALUES (?,?,?)", wrong)
            c.execute("DELETE FROM unchecked WHERE author = ? AND epoch = ? AND first = ? AND last = ?", span)

        await self._db.write(work)
        if wrong:
            self._journal.say_line(
                "warning",
                f"{len(wrong)} entries of peer {identity.short(author)} came with a signature that is not its own. They count, for it "
                "signed a later one that names them; the right signatures are asked for",
                author,
            )
            self._journal.replication.ask_all()
