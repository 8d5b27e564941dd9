"""Make everything in the journal that is derived anew from what proves itself: signed headers and the bodies they name.

Features hold nothing on disk; they are made from the entries at each start. What is derived on disk are the columns and indexes
by which entries are found, and what is known of their bodies. An entry that does not verify is dropped with all that follow it
in its epoch, a body that is not the one its header names alone: members bring them again. Nothing is dropped without a word.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chorus_tui.contract.models.journal import Rebuilt
from chorus_tui.engine.journal.database import Connection, Database
from chorus_tui.engine.journal.intake import readable
from chorus_tui.engine.journal.store import ERASED
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header
from chorus_tui.engine.protocol.identity import short

PAGE = 500
_DERIVED = "author, epoch, seq, hash, type, hlc_ms, problem"
Row = tuple[int, bytes, str, bytes | None, tuple[str, str, int, str, str, int, str]]
"""Arrival, header, signature, body, and what is derived of them as stored."""


@dataclass(slots=True)
class _Pass:
    """One pass over all entries, in the order of author, epoch and number."""

    last: Entry | None = None
    broken: tuple[str, str] | None = None
    """The epoch that is dropped from here on."""
    drop: list[int] = field(default_factory=list)
    write: list[tuple[object, ...]] = field(default_factory=list)
    kept: int = 0
    corrected: int = 0
    bodies: int = 0
    problems: list[str] = field(default_factory=list)

    def take(self, row: Row) -> None:
        """Judge one row."""
        arrived, header, sig, _, stored = row
        epoch, where = (stored[0], stored[1]), f"{short(stored[0])} {stored[1][:8]}:{stored[2]}"
        if epoch == self.broken:
            self.drop.append(arrived)
            return
        try:
            entry = entry_from_header(header, sig, None)
            self._chained(entry, stored[:3])
        except WireError as error:
            self.broken = epoch
            self.drop.append(arrived)
            self.problems.append(f"entry {where} and all after it in its epoch are dropped: {error}")
            return
        self.last = entry
        self._derive(row, entry, where)

    def _chained(self, entry: Entry, key: tuple[str, str, int]) -> None:
        h, last = entry.header, self.last
        if entry.key != key:
            raise WireError("bad_header", "It stands under a number that its header does not say")
        if h.seq > 0 and (last is None or last.key != (h.author, h.epoch, h.seq - 1) or h.prev != last.hash):
            raise WireError("bad_header", "It does not follow the one before it")

    def _derive(self, row: Row, entry: Entry, where: str) -> None:
        arrived, header, sig, body, stored = row
        problem = stored[-1]
        try:
            whole = entry_from_header(header, sig, body, verified=True)
        except WireError as error:
            whole = entry
            self.bodies += 1
            self.problems.append(f"the body of entry {where} is dropped: {error}")
        if not (whole.body is None and problem == ERASED):
            problem = readable(whole).problem
        h = entry.header
        derived = (h.author, h.epoch, h.seq, entry.hash, h.type, int(h.hlc.partition(":")[0]), problem)
        self.kept += 1
        if (derived, whole.body) != (stored, body):
            self.corrected += derived != stored and whole.body == body
            self.write.append((*derived, whole.body, arrived))


async def rebuild(database: Database) -> Rebuilt:
    """Check and mend the whole journal. Nobody else may use the file meanwhile."""
    done, key = _Pass(), ("", "", -1)
    while True:
        page = database.read(lambda c, after=key: _page(c, after))  # type: ignore[misc] # mypy cannot infer lambda defaults
        for row in page:
            done.take(row)
            key = row[-1][:3]
        if len(page) < PAGE:
            break
    await database.write(lambda c: _mend(c, done))
    return Rebuilt(
        ok=not done.problems and not done.corrected, entries=done.kept, corrected=done.corrected, bodies_dropped=done.bodies,
        entries_dropped=len(done.drop), problems=done.problems,
    )  # fmt: skip


def _page(connection: Connection, after: tuple[str, str, int]) -> list[Row]:
    # NOT INDEXED: an index is derived too, and may be what is wrong.
    query = (
        f"SELECT arrived, CAST(header AS BLOB), CAST(sig AS TEXT), CAST(body AS BLOB), {_DERIVED} FROM entries NOT INDEXED"  # noqa: S608 - constant text
        " WHERE (author, epoch, seq) > (?,?,?) ORDER BY author, epoch, seq LIMIT ?"
    )
    return [(*row[:4], tuple(row[4:])) for row in connection.execute(query, (*after, PAGE)).fetchall()]


def _mend(connection: Connection, done: _Pass) -> None:
    connection.executemany("DELETE FROM entries WHERE arrived = ?", [(arrived,) for arrived in done.drop])
    connection.executemany(
        "UPDATE entries SET author = ?, epoch = ?, seq = ?, hash = ?, type = ?, hlc_ms = ?, problem = ?, body = ? WHERE arrived = ?",
        done.write,
    )
    connection.execute("REINDEX entries")
