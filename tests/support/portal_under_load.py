"""The real portal in this terminal, on a scripted engine that says so many events a second: ``python -m … RATE``.

The engine is in the process, so that what is measured is the portal; events come in batches, as the socket brings them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

from chorus_tui.client import Batch, Connection
from chorus_tui.contract.events import Event
from chorus_tui.contract.models import journal, status
from chorus_tui.look import frames, pauses
from chorus_tui.store import COLLECTIONS

ENTRIES = 100_000
BATCHES_PER_S = 20


class Flood:
    """An engine with a long journal; ``rate`` log lines a second, none with a letter that is typed."""

    def __init__(self, rate: int) -> None:
        self.connection = Connection("connected", time.time())
        self.on_connection: Any = None
        self.hello = None
        self._rate = rate

    async def call(self, operation: str, request: Any = None) -> Any:
        if operation == "status.show":
            return a_status()
        if operation == "journal.tail":
            after = int(request.cursor or 0)
            found = [entry(ENTRIES - after - n) for n in range(min(request.limit, ENTRIES - after))]
            return journal.JournalPage(entries=found[::-1], next=str(after + request.limit))
        topic = next((one for one in COLLECTIONS if one.operation == operation), None)
        return None if topic is None else type("Rows", (), {topic.topic: []})()

    async def events(self, _topics: Iterable[str]) -> AsyncIterator[Batch]:
        """Log lines for ever; two of the status a second."""
        yield Batch([], 0, fresh=True)
        told = 0.0
        while True:
            await asyncio.sleep(1 / BATCHES_PER_S)
            now = time.time()
            count = self._rate // BATCHES_PER_S
            lines = [
                Event(0, "log", None, {"at": now, "level": "info", "text": f"{now + n:.6f} ... {n}"})
                for n in range(count)
            ]
            if now - told > 0.5 and self._rate:
                told = now
                lines.append(Event(0, "status", "status", a_status().model_dump()))
            yield Batch(lines, 0)

    async def close(self) -> None:
        """Nothing to let go of."""


def a_status() -> status.Status:
    """Of a peer with that journal."""
    return status.Status.model_validate(
        {
            "agent_id": "you", "peer_id": "12D3KooW" + "1" * 44, "kind": "human", "version": "0", "started_at": time.time(),
            "addresses": [], "data_dir": "/data", "authority": "master", "license": "development", "mesh_id": "3" * 64,
            "mesh_state": "member", "admin": None, "voters": [], "failover": "", "peers": 0, "members": 1, "tasks": {}, "running": 0, "max_tasks": 0,
            "network": "key", "health": "healthy", "feed_entries": ENTRIES, "control_index": 1, "checks": [], "models": [],
        }
    )  # fmt: skip


def entry(n: int) -> journal.JournalEntry:
    """Number ``n`` of the journal."""
    return journal.JournalEntry(
        author="1" * 52, author_name="1", epoch="1", seq=n, hlc=f"{n:020}", at=float(n), topic="1", type="1", log_type="1",
        hash=f"{n:064x}", body={"title": f"{n}"},
    )  # fmt: skip


def main() -> None:
    """Until it is ended from outside."""
    frames.in_own_terminal()
    with pauses.none_while_importing():  # here, as the command line does: Textual reads the pace when it is imported
        from chorus_tui.app import ChorusApp

    engine = Flood(int(sys.argv[1]))

    async def connect(_progress: Any) -> Any:
        return engine

    ChorusApp(connect, first=sys.argv[2] if len(sys.argv) > 2 else "status", alone=True).run()


if __name__ == "__main__":
    main()
