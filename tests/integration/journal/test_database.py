"""The database file: damage, shutdown and a process killed while it writes."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from chorus_tui.engine.journal import reading
from chorus_tui.engine.journal.database import SqliteDatabase, StoreError
from chorus_tui.engine.journal.store import SCHEMA, FeedStore

WRITER = """
import sys, trio
from pathlib import Path
from chorus_tui.engine.clock import SeededEntropy, SystemClock, SystemEntropy
from chorus_tui.engine.journal.database import SqliteDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol.identity import Identity

async def main():
    me = Identity(bytes([7]) * 32)
    mesh = SimulatedNetwork(SeededEntropy(1)).mesh(me)
    database = SqliteDatabase.open(Path(sys.argv[1]), SCHEMA)
    journal = FeedJournal(me, database, mesh, lambda d: d, SystemClock(), SystemEntropy(), EventBus(), "test")
    await journal.open()
    while True:
        entry = await journal.say("goodbye", {"reason": "again"})
        print(entry.hash, flush=True)

trio.run(main)
"""


async def test_a_killed_writer_leaves_all_it_called_stored(tmp_path: Path) -> None:
    """After kill -9, twice, the store opens, verifies, and holds every entry whose hash was printed."""
    path = tmp_path / "feeds.db"
    printed: set[str] = set()
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - at once
        try:
            printed |= {process.stdout.readline().strip() for _ in range(100)}
        finally:
            process.send_signal(signal.SIGKILL)
            printed |= {line.strip() for line in process.communicate()[0].splitlines(keepends=True) if len(line) == 65}
    database = SqliteDatabase.open(path, SCHEMA)
    try:
        held = {row[0] for row in database.read(lambda c: c.execute("SELECT hash FROM entries").fetchall())}
        found = await reading.verify(FeedStore(database))
    finally:
        database.close()

    assert len(printed) >= 200
    assert printed <= held
    assert found.ok


def test_a_file_that_is_no_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    """Damage is a typed error for people."""
    path = tmp_path / "feeds.db"
    path.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreError, match="Move the data folder away") as caught:
        SqliteDatabase.open(path, SCHEMA)

    assert str(path) in str(caught.value)


async def test_writing_after_the_end_is_an_error_not_a_wait(tmp_path: Path) -> None:
    """A write to a closed database fails at once."""
    database = SqliteDatabase.open(tmp_path / "x.db", ["CREATE TABLE t (x)"])
    database.close()
    with trio.fail_after(2), pytest.raises(StoreError):
        await database.write(lambda c: c.execute("INSERT INTO t VALUES (1)"))


async def test_concurrent_writes_stand_alone_and_keep_their_order(tmp_path: Path) -> None:
    """Of many writes batched together only the one that fails is undone."""
    database = SqliteDatabase.open(tmp_path / "x.db", ["CREATE TABLE t (x UNIQUE)"])
    refused = []

    async def write(number: int) -> None:
        try:
            await database.write(lambda c: c.execute("INSERT INTO t VALUES (?)", (number % 50,)))
        except sqlite3.IntegrityError:
            refused.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(60):
            nursery.start_soon(write, number)
    rows = database.read(lambda c: c.execute("SELECT x FROM t").fetchall())
    database.close()

    assert (len(rows), len(refused)) == (50, 10)
