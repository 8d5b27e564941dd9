"""A journal on the engine's own node, one of many measured by :mod:`benchmarks.crowd`."""

from __future__ import annotations

import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from benchmarks.crowd_peer import Hear, Say, run
from benchmarks.mesh_ours import engine_node
from chorus_tui.engine.clock import SystemClock, SystemEntropy
from chorus_tui.engine.journal.database import SqliteDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.mesh.interface import Verdict
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.identity import Identity

SAID = {"context_path": "bench", "event": "helpful"}


class Said:
    """A fold: what is said is heard when it is on disk."""

    types = frozenset({"feedback_event"})

    def __init__(self, hear: Hear) -> None:
        self._hear = hear

    def apply(self, _entry: Any, message: Any) -> None:
        """One."""
        self._hear(message.note)

    def reset(self) -> None:
        """Nothing is erased here."""


@asynccontextmanager
async def ours(options: dict[str, Any], hear: Hear) -> AsyncIterator[tuple[str, Say]]:
    """A journal as the engine has it, whose members are all that have the key."""
    with tempfile.TemporaryDirectory(prefix="chorus-bench-") as folder:
        identity, chance = Identity.generate(), random.Random(options["seed"])
        mesh = engine_node(Path(folder), bytes.fromhex(options["key"]), identity)
        database = SqliteDatabase.open(Path(folder) / "journal.db", SCHEMA)
        journal = FeedJournal(
            identity, database, mesh, lambda v: v, SystemClock(), SystemEntropy(), EventBus(), "bench"
        )
        journal.set_membership(lambda _peer: True)
        journal.fold(Said(hear))

        def losing(*message: Any) -> Verdict:
            return Verdict.IGNORE if chance.random() < options["loss"] else journal.intake.validate(*message)

        mesh.set_validator(losing)
        for topic in topics.EVERYBODYS:
            await mesh.join(topic)
        await journal.open()
        async with trio.open_nursery() as nursery:
            await nursery.start(mesh.run)
            await nursery.start(journal.run)
            for address in options["addresses"]:
                await mesh.connect(address)
            yield mesh.addresses()[0], lambda text: journal.say("feedback_event", SAID | {"note": text})
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    run(ours)
