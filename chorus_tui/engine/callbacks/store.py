"""Calls that are owed, on disk: a restart in between neither forgets one nor makes it twice as a new one."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from chorus_tui.engine.callbacks.rules import Callback
from chorus_tui.engine.journal.database import Connection, Database

SCHEMA = [
    """
    CREATE TABLE callbacks (
        task_id TEXT PRIMARY KEY, url TEXT NOT NULL, delivery TEXT NOT NULL, state TEXT NOT NULL,
        tries INTEGER NOT NULL, first_at REAL, next_at REAL NOT NULL, last_at REAL, problem TEXT NOT NULL
    );
    CREATE INDEX callbacks_by_state ON callbacks (state, next_at);
    """,
]
MOST_WAITING = 1_000
MOST_ENDED = 10_000
"""Ended ones that are still known; the oldest go."""

_COLUMNS = [field.name for field in fields(Callback)]
_PUT = f"INSERT OR REPLACE INTO callbacks ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)})"  # noqa: S608 - the names of our own fields


class CallbackStore:
    """The table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, callback: Callback) -> None:
        """Keep ``callback`` in the place of what is known of its task; on disk when this returns."""

        def work(connection: Connection) -> None:
            connection.execute(_PUT, asdict(callback))
            connection.execute(
                "DELETE FROM callbacks WHERE state != 'waiting' AND task_id NOT IN"
                " (SELECT task_id FROM callbacks WHERE state != 'waiting' ORDER BY last_at DESC LIMIT ?)",
                (MOST_ENDED,),
            )

        await self._database.write(work)

    def get(self, task_id: str) -> Callback | None:
        """That of a task."""
        rows = self._read("SELECT * FROM callbacks WHERE task_id = ?", task_id)
        return rows[0] if rows else None

    def due(self, now: float) -> list[Callback]:
        """Those that wait and may be tried at ``now``."""
        return self._read("SELECT * FROM callbacks WHERE state = 'waiting' AND next_at <= ? ORDER BY next_at", now)

    def waiting(self) -> int:
        """How many wait."""

        def work(connection: Connection) -> int:
            return int(connection.execute("SELECT count(*) FROM callbacks WHERE state = 'waiting'").fetchone()[0])

        return self._database.read(work)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _read(self, query: str, *arguments: Any) -> list[Callback]:
        def work(connection: Connection) -> list[Callback]:
            found = connection.execute(query, arguments)
            names = [column[0] for column in found.description]
            return [Callback(**dict(zip(names, row, strict=True))) for row in found.fetchall()]

        return self._database.read(work)
