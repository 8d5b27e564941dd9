"""A peer with a long history, made without its engine: as if it had talked for months."""

from __future__ import annotations

from pathlib import Path

import trio

from chorus_tui.engine.clock import SystemClock, SystemEntropy
from chorus_tui.engine.data_folder import DataFolder
from chorus_tui.engine.journal.database import SqliteDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedNetwork

AT_ONCE = 500


def make(data_dir: Path, entries: int) -> None:
    """Fill the feed of the peer of ``data_dir`` with this many entries."""
    trio.run(_make, data_dir, entries)


async def _make(data_dir: Path, entries: int) -> None:
    folder = DataFolder.open(data_dir, "agent")
    database = SqliteDatabase.open(folder.path / "journal.db", SCHEMA)
    identity, clock, entropy = folder.identity(), SystemClock(), SystemEntropy()
    mesh = SimulatedNetwork(entropy).mesh(identity)
    journal = FeedJournal(identity, database, mesh, lambda value: value, clock, entropy, EventBus(), "test")
    await journal.open()
    said = {
        "agent_id": "old",
        "kind": "agent",
        "languages": ["python"],
        "max_tasks": 3,
        "docker": True,
        "specialization": "x" * 60,
    }
    for start in range(0, entries, AT_ONCE):
        async with trio.open_nursery() as nursery:
            for _ in range(start, min(start + AT_ONCE, entries)):
                nursery.start_soon(journal.say, "capability_broadcast", said)
    database.close()
    folder.close()
