"""A long feed, verified, folded and opened again, beside SQLite that reads the same file.

What opens a journal and what folds see is the engine's own; the fold here only counts, as what features do with an entry is theirs.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trio

from benchmarks.measure import Figure, Row, timed
from chorus_tui.engine.clock import SystemClock, SystemEntropy
from chorus_tui.engine.data_folder import DataFolder
from chorus_tui.engine.journal.database import SqliteDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol.envelope import Entry
from tests.integration.system import long_feed

SIZES = (10_000, 100_000)
ROUNDS = 5
LONG_ROUNDS = 2
"""Of verifying and folding, which take long; the quicker one counts."""
FLAT = 2.0
"""How many times the smallest one's reopening may take: a new epoch is written and synced, and that varies."""


class Counting:
    """A fold of what the feed is full of."""

    types = frozenset({"capability_broadcast"})

    def __init__(self) -> None:
        self.seen = 0

    def apply(self, _entry: Entry, _message: object) -> None:
        """One more."""
        self.seen += 1

    def reset(self) -> None:
        """None."""
        self.seen = 0


@dataclass(slots=True)
class Times:
    """In seconds, of one size."""

    entries: int
    verify: float
    fold: float
    reopen: float
    read: float
    """SQLite alone: every row of the same columns."""


def rows(largest: int = SIZES[-1]) -> Iterator[Row]:
    """At 10⁴, 10⁵, and the asked size."""
    first: Times | None = None
    for entries in sorted({*(size for size in SIZES if size <= largest), largest}):
        with tempfile.TemporaryDirectory(prefix="chorus-bench-") as folder:
            long_feed.make(Path(folder) / "old", entries)
            one = trio.run(_times, Path(folder) / "old", entries)
        first = first or one
        for what, seconds in (("verify", one.verify), ("fold", one.fold)):
            each = Figure("an entry", seconds / entries * 1e6, "µs")
            yield Row(
                "journal", f"{what} {entries:,} entries", seconds, "SQLite reads them", one.read, "", ROUNDS, (each,)
            )
        flat = Figure(f"times that of {first.entries:,}", one.reopen / first.reopen, "×", at_most=FLAT)
        what = f"reopen at {entries:,} entries, no folds"
        yield Row("journal", what, one.reopen, "SQLite reads them", one.read, "flat in size", ROUNDS, (flat,))


async def _times(folder: Path, entries: int) -> Times:
    held = DataFolder.open(folder, "agent")
    identity = held.identity()
    verify, fold, reopen, read = [], [], [], []

    async def opened(counting: Counting | None) -> tuple[float, FeedJournal, SqliteDatabase]:
        began = time.perf_counter()
        database = SqliteDatabase.open(folder / "journal.db", SCHEMA)
        mesh = SimulatedNetwork().mesh(identity)
        journal = FeedJournal(
            identity, database, mesh, lambda v: v, SystemClock(), SystemEntropy(), EventBus(), "bench"
        )
        if counting is not None:
            journal.fold(counting)
        await journal.open()
        return time.perf_counter() - began, journal, database

    for number in range(ROUNDS + 1):
        seconds, journal, database = await opened(None)
        reopen.append(seconds)
        if number < LONG_ROUNDS:
            began = time.perf_counter()
            found = await journal.verify()
            verify.append(time.perf_counter() - began)
            assert found.ok, found.problems[:3]
            assert found.entries >= entries
        database.close()
        read.append(timed(lambda: _read(folder / "journal.db")))
    for _ in range(LONG_ROUNDS):
        counting = Counting()
        seconds, _, database = await opened(counting)
        fold.append(max(seconds - statistics.median(reopen), 0.0))
        assert counting.seen == entries
        database.close()
    held.close()
    return Times(entries, min(verify), min(fold), statistics.median(reopen[1:]), statistics.median(read[1:]))


def _read(file: Path) -> int:
    connection = sqlite3.connect(file)
    try:
        return sum(1 for _ in connection.execute("SELECT header, sig, body, problem FROM entries ORDER BY arrived"))
    finally:
        connection.close()
