"""The control log on disk, bound to the machine and file it was written on.

A copy or a restored backup of a sole voter's state must not go on leading: it could decide differently what was already
decided. The binding is the machine's id, the file's inode and that inode's generation: a number alone is given to the
next file once the first is deleted. A copy or a backup keeps none of them, unless it is written *into* the file.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chorus_tui.engine.control.entries import Commit, Election, parse_entry
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.log import Gap, Log
from chorus_tui.engine.control.raft_ready import HardState
from chorus_tui.engine.journal.database import Connection, Database
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

_FS_IOC_GETVERSION = 0x80087601
"""Linux, 64 bit."""

SCHEMA = [
    """
    CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE log (mesh_id TEXT NOT NULL, idx INTEGER NOT NULL, term INTEGER NOT NULL, raw BLOB NOT NULL, sig TEXT NOT NULL,
        PRIMARY KEY (mesh_id, idx));
    CREATE TABLE elections (mesh_id TEXT NOT NULL, term INTEGER NOT NULL, certificate TEXT NOT NULL, PRIMARY KEY (mesh_id, term));
    CREATE TABLE commits (mesh_id TEXT PRIMARY KEY, certificate TEXT NOT NULL);
    CREATE TABLE meshes (mesh_id TEXT PRIMARY KEY, joined INTEGER NOT NULL);
    """
]


def binding(path: Path) -> str:
    """Names the machine and the file at ``path``."""
    try:
        machine = Path("/etc/machine-id").read_text().strip()
    except OSError:
        machine = ""
    return f"{machine}:{path.stat().st_ino}:{_generation(path)}"


def _generation(path: Path) -> int:
    """What the file system drew for this use of the inode; 0 where it keeps none."""
    drawn = bytearray(8)
    try:
        with path.open("rb") as file:
            fcntl.ioctl(file, _FS_IOC_GETVERSION, drawn)
    except OSError:
        return 0
    return int.from_bytes(drawn[:4], "little")


def unseat(connection: Connection) -> None:
    """Take out of a copy what would make it a voter, wherever it comes to lie: a number of an inode can be given again.

    The term stays, so that the copy never speaks of an earlier one; whom it voted for goes, because the original may vote on.
    """
    connection.execute("DELETE FROM state WHERE name IN ('bound_to', 'incarnation')")
    connection.execute("UPDATE state SET value = json_set(value, '$.vote', NULL) WHERE name = 'hard'")


@dataclass(frozen=True, slots=True)
class Stored:
    """What one transaction keeps."""

    mesh_id: str
    entries: list[ControlEntry] = field(default_factory=list)
    elections: list[Election] = field(default_factory=list)
    commit: Commit | None = None
    hard: HardState | None = None
    replace_from: int | None = None
    """Entries from this index on, none of them committed, give way to ``entries``."""
    current: bool = False
    seat: tuple[str, str] | None = None
    """What :func:`binding` says now, and the incarnation that this store is from here on."""


class ControlStore:
    """Reads and writes; decides nothing."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def keep(self, stored: Stored) -> None:
        """All of it, or nothing; synced on return."""
        await self._db.write(lambda c: _write(c, stored))

    def current_mesh(self) -> str | None:
        """The mesh this peer belongs to."""
        return self._state("mesh_id")

    def bound_to(self) -> str | None:
        """What :func:`binding` said when this incarnation began."""
        return self._state("bound_to")

    def incarnation(self) -> str:
        """Names this store among all that the peer ever voted from; empty for one that was never bound."""
        return self._state("incarnation") or ""

    def hard_state(self) -> HardState:
        """Term and vote of the current mesh."""
        value = json.loads(self._state("hard") or '{"term": 0, "vote": null}')
        return HardState(value["term"], value["vote"])

    def _state(self, name: str) -> str | None:
        row = self._db.read(lambda c: c.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone())
        return str(row[0]) if row else None

    def meshes(self) -> list[str]:
        """All meshes whose log is kept here, in the order of joining."""
        return [
            row[0]
            for row in self._db.read(lambda c: c.execute("SELECT mesh_id FROM meshes ORDER BY joined").fetchall())
        ]

    def load(self, mesh_id: str) -> tuple[Log, list[ControlEntry], list[ControlEntry]]:
        """The log as verified when it was stored, its committed entries, and those behind that may yet give way."""
        log = Log(mesh_id)
        log.elections = {election.term: election for election in self.elections(mesh_id)}
        commit = self.commit(mesh_id)
        decided: list[ControlEntry] = []
        open_: list[ControlEntry] = []
        for raw, sig in self._raw(mesh_id, 0, 1 << 60):
            term = canonical.reread(raw)["term"]
            entry = parse_entry(raw, sig, log.elections[term].admin)
            if commit is not None and entry.index <= commit.index:
                log.extend(entry)
                decided.append(entry)
            else:
                open_.append(entry)
        return log, decided, open_

    def raw_after(self, mesh_id: str, index: int, limit: int) -> Iterator[tuple[bytes, str]]:
        """Committed entries as stored."""
        commit = self.commit(mesh_id)
        yield from self._raw(mesh_id, index, min(limit, (commit.index if commit else 0) - index))

    def _raw(self, mesh_id: str, index: int, limit: int) -> Iterator[tuple[bytes, str]]:
        query = "SELECT raw, sig FROM log WHERE mesh_id = ? AND idx > ? ORDER BY idx LIMIT ?"
        yield from self._db.read(lambda c: c.execute(query, (mesh_id, index, max(limit, 0))).fetchall())

    def elections(self, mesh_id: str, first: int = 0, last: int = canonical.MAX_INTEGER) -> list[Election]:
        """Election certificates of the terms from ``first`` to ``last``."""
        query = "SELECT certificate FROM elections WHERE mesh_id = ? AND term BETWEEN ? AND ? ORDER BY term"
        rows = self._db.read(lambda c: c.execute(query, (mesh_id, first, last)).fetchall())
        return [Election.from_json(json.loads(row[0])) for row in rows]

    def openings(self, mesh_id: str) -> list[ControlEntry]:
        """The first decided entry of every term."""
        admins = {election.term: election.admin for election in self.elections(mesh_id)}
        commit = self.commit(mesh_id)
        query = "SELECT raw, sig, term, min(idx) FROM log WHERE mesh_id = ? AND idx <= ? GROUP BY term ORDER BY term"
        rows = self._db.read(lambda c: c.execute(query, (mesh_id, commit.index if commit else 0)).fetchall())
        return [parse_entry(raw, sig, admins[term]) for raw, sig, term, _ in rows]

    def export_lines(self, after: int, limit: int) -> list[str]:
        """Lines of all logs, in the order of joining and of each log; ``after`` counts lines."""
        query = """
            SELECT l.raw, l.sig FROM log l JOIN meshes m ON l.mesh_id = m.mesh_id JOIN commits c ON l.mesh_id = c.mesh_id
            WHERE l.idx <= json_extract(c.certificate, '$.index') ORDER BY m.joined, l.idx LIMIT ? OFFSET ?
        """
        rows = self._db.read(lambda c: c.execute(query, (limit, after)).fetchall())
        return [
            json.dumps({"kind": "control", "entry": raw.decode(), "sig": sig}, ensure_ascii=False, sort_keys=True)
            for raw, sig in rows
        ]

    def certificates(self) -> Iterator[dict[str, Any]]:
        """Of every log kept here: what proves that its entries were decided."""
        for mesh_id in self.meshes():
            commit = self.commit(mesh_id)
            if commit is not None:
                elections = [election.as_json() for election in self.elections(mesh_id)]
                yield {"kind": "certificates", "mesh_id": mesh_id, "elections": elections, "commit": commit.as_json()}

    def verify(self) -> tuple[int, list[str]]:
        """Check every log from its first entry as a newcomer would; how many entries there are, what is wrong."""
        total, problems = 0, []
        for mesh_id in self.meshes():
            items = [{"entry": raw.decode(), "sig": sig} for raw, sig in self.raw_after(mesh_id, 0, 1 << 60)]
            total += len(items)
            commit = self.commit(mesh_id)
            elections = [election.as_json() for election in self.elections(mesh_id)]
            try:
                if commit is None:
                    raise WireError("bad_certificate", "no commit certificate is stored")
                Log(mesh_id).admit(items, elections, commit.as_json())
            except (Gap, WireError) as error:
                problems.append(f"control log {mesh_id[:8]}: {str(error) or 'entries are missing'}")
        return total, problems

    def commit(self, mesh_id: str) -> Commit | None:
        """The newest commit certificate."""
        row = self._db.read(
            lambda c: c.execute("SELECT certificate FROM commits WHERE mesh_id = ?", (mesh_id,)).fetchone()
        )
        return Commit.from_json(json.loads(row[0])) if row else None


def _write(connection: Connection, stored: Stored) -> None:
    mesh_id = stored.mesh_id
    connection.execute("INSERT OR IGNORE INTO meshes SELECT ?, coalesce(max(joined), 0) + 1 FROM meshes", (mesh_id,))
    if stored.replace_from is not None:
        connection.execute("DELETE FROM log WHERE mesh_id = ? AND idx >= ?", (mesh_id, stored.replace_from))
    connection.executemany(
        "INSERT INTO log VALUES (?,?,?,?,?)", [(mesh_id, e.index, e.term, e.raw, e.sig) for e in stored.entries]
    )
    connection.executemany(
        "INSERT OR IGNORE INTO elections VALUES (?,?,?)",
        [(mesh_id, e.term, json.dumps(e.as_json())) for e in stored.elections],
    )
    if stored.commit is not None:
        connection.execute(
            "INSERT OR REPLACE INTO commits VALUES (?,?)", (mesh_id, json.dumps(stored.commit.as_json()))
        )
    if stored.hard is not None:
        value = json.dumps({"term": stored.hard.term, "vote": stored.hard.vote})
        connection.execute("INSERT OR REPLACE INTO state VALUES ('hard', ?)", (value,))
    if stored.current:
        connection.execute("INSERT OR REPLACE INTO state VALUES ('mesh_id', ?)", (mesh_id,))
    if stored.seat is not None:
        connection.executemany(
            "INSERT OR REPLACE INTO state VALUES (?,?)", zip(("bound_to", "incarnation"), stored.seat, strict=True)
        )
