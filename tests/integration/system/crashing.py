"""A peer's two stores under load, until it is killed: says and decides as fast as it can, and writes what was promised.

:func:`work` prints one line for each promise: ``s <epoch> <seq>`` for a feed entry
that ``say`` called stored, ``d <index>`` for a decision that ``propose`` called decided.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import structlog
import trio

from chorus_tui.engine.clock import SystemClock, SystemEntropy
from chorus_tui.engine.control import store as control_store
from chorus_tui.engine.control.service import ControlService
from chorus_tui.engine.control.settings import ControlSettings
from chorus_tui.engine.data_folder import DataFolder
from chorus_tui.engine.journal.database import SqliteDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.simulated import SimulatedNetwork

WRITERS = 8


def stores(path: Path) -> tuple[list[DataFolder | SqliteDatabase], FeedJournal, ControlService]:
    """What is to be closed, journal and control log of one folder, on a network without anybody else."""
    folder = DataFolder.open(path, "agent")
    identity, clock, entropy, events = folder.identity(), SystemClock(), SystemEntropy(), EventBus()
    mesh = SimulatedNetwork(entropy).mesh(identity)
    feeds = SqliteDatabase.open(path / "journal.db", SCHEMA)
    decisions = SqliteDatabase.open(path / "control.db", control_store.SCHEMA)
    journal = FeedJournal(identity, feeds, mesh, lambda value: value, clock, entropy, events, "test")
    settings = ControlSettings(grace_s=0.0, binding=control_store.binding(path / "control.db"))
    control = ControlService(identity, "a", "agent", "", [], decisions, mesh, journal, clock, entropy, events, settings)
    return [feeds, decisions, folder], journal, control


async def main(path: Path) -> None:
    """Until killed."""
    _, journal, control = stores(path)
    await control.open()
    await journal.open()
    if control.mesh_id is None:
        await control.found()

    async def say() -> None:
        while True:
            entry = await journal.say("goodbye", {"reason": "x" * 200})
            os.write(1, f"s {entry.header.epoch} {entry.header.seq}\n".encode())

    async def decide() -> None:
        while True:
            decided = await control.propose("note", {"text": "x" * 200})
            os.write(1, f"d {decided.index}\n".encode())

    async with trio.open_nursery() as nursery:
        for _ in range(WRITERS):
            nursery.start_soon(say)
            nursery.start_soon(decide)


def work(path: Path) -> NoReturn:
    """Until killed."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    trio.run(main, path)
    raise AssertionError("it ended by itself")
