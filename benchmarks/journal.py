"""Appending to a feed beside bare SQLite inserts with the same durability, and what is done with a long one.

``python -m benchmarks journal=1000000`` makes the longest so long.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import trio

from benchmarks import long_journal
from benchmarks.measure import Figure, Row, compare
from chorus_tui.engine.clock import SystemClock, SystemEntropy
from chorus_tui.engine.journal.database import SqliteDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol.identity import FEED, Identity

ENTRIES = 2000
AT_ONCE = 50
TEXT = "x" * 150
HEADER = b"h" * 420


async def _append(folder: Path) -> float:
    identity = Identity.generate()
    database = SqliteDatabase.open(folder / "journal.db", SCHEMA)
    mesh = SimulatedNetwork().mesh(identity)
    journal = FeedJournal(identity, database, mesh, lambda v: v, SystemClock(), SystemEntropy(), EventBus(), "bench")
    await journal.open()

    async def writer() -> None:
        for _ in range(ENTRIES // AT_ONCE):
            await journal.say("goodbye", {"reason": TEXT})

    started = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(writer)
    seconds = time.perf_counter() - started
    assert journal.count() == ENTRIES + 1
    database.close()
    return seconds


def ours() -> float:
    """Seconds for ENTRIES entries by AT_ONCE writers: redacted, signed, chained, synced."""
    with tempfile.TemporaryDirectory() as folder:
        return trio.run(_append, Path(folder))


def bare() -> float:
    """Seconds for as many rows of the same size in commits of AT_ONCE, WAL and synchronous FULL."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder, "bare.db"), isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE entries (n INTEGER PRIMARY KEY, header BLOB, body BLOB)")
        row = (HEADER, b"b" * 330)
        started = time.perf_counter()
        for _ in range(ENTRIES // AT_ONCE):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO entries (header, body) VALUES (?,?)", [row] * AT_ONCE)
            connection.execute("COMMIT")
        seconds = time.perf_counter() - started
        connection.close()
        return seconds


def row_of_signing() -> Row:
    """What of it no code of ours can save: libsodium signs each header."""
    identity = Identity.generate()

    def signing() -> float:
        started = time.perf_counter()
        for _ in range(ENTRIES):
            identity.sign(FEED, HEADER)
        return time.perf_counter() - started

    return compare("journal", f"of that {ENTRIES} signatures", signing, "bare SQLite inserts, same sync", bare, "")


def rows(longest: int = long_journal.SIZES[-1]) -> Iterator[Row]:
    """Append, whose ratio counts the signature and the canonical forms too; then verify, fold and reopen."""
    asked = "append ≥ 0.5 × bare (ratio ≤ 2)"
    row = compare("journal", f"append {ENTRIES} entries", ours, "bare SQLite inserts, same sync", bare, asked)
    yield replace(row, figures=(Figure("ours : bare", row.ratio, "×", at_most=2.0),))
    yield row_of_signing()
    yield from long_journal.rows(longest)
