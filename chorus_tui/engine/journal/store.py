"""The feeds on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from chorus_tui.engine.journal import signatures
from chorus_tui.engine.journal.chain import Chains
from chorus_tui.engine.journal.database import Database
from chorus_tui.engine.journal.spans import Span
from chorus_tui.engine.journal.statistics import Tally
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header, entry_from_own_disk

SCHEMA = [
    """
    CREATE TABLE entries (
        arrived INTEGER PRIMARY KEY AUTOINCREMENT,
        author TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
        hash TEXT NOT NULL, header BLOB NOT NULL, sig TEXT NOT NULL, body BLOB,
        type TEXT NOT NULL, hlc_ms INTEGER NOT NULL, problem TEXT NOT NULL,
        UNIQUE (author, epoch, seq)
    );
    CREATE INDEX entries_by_type ON entries (type, arrived);
    CREATE INDEX entries_by_time ON entries (hlc_ms);
    CREATE TABLE evidence (
        author TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL,
        header BLOB NOT NULL, sig TEXT NOT NULL, body BLOB,
        PRIMARY KEY (author, epoch, seq, hash)
    );
    CREATE TABLE sent (epoch TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (epoch, seq));
    CREATE TABLE receipts (epoch TEXT NOT NULL, seq INTEGER NOT NULL, peer TEXT NOT NULL, PRIMARY KEY (epoch, seq, peer));
    """,
    """
    CREATE INDEX entries_by_hash ON entries (hash);
    CREATE INDEX entries_without_body ON entries (author, epoch, seq) WHERE body IS NULL AND problem != 'erased';
    """,
    """
    CREATE TABLE unchecked (
        author TEXT NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        PRIMARY KEY (author, epoch, first)
    );
    CREATE TABLE garbled (author TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (author, epoch, seq));
    """,
]

ERASED = "erased"
"""The problem of an entry whose body was erased by a decision."""

_COLUMNS = "header, sig, body, problem"

_HEADS = """
    WITH RECURSIVE
    authors (author) AS (
        SELECT min(author) FROM entries
        UNION ALL SELECT (SELECT min(author) FROM entries WHERE author > a.author) FROM authors a WHERE a.author IS NOT NULL
    ),
    feeds (author, epoch) AS (
        SELECT author, (SELECT min(epoch) FROM entries e WHERE e.author = a.author) FROM authors a WHERE author IS NOT NULL
        UNION ALL
        SELECT author, (SELECT min(epoch) FROM entries e WHERE e.author = f.author AND e.epoch > f.epoch) FROM feeds f
            WHERE f.epoch IS NOT NULL
    ),
    heads AS (
        SELECT e.* FROM feeds f JOIN entries e ON e.author = f.author AND e.epoch = f.epoch
            AND e.seq = (SELECT max(seq) FROM entries t WHERE t.author = f.author AND t.epoch = f.epoch)
    )
"""
"""The newest entry of each epoch. It leaps from epoch to epoch in the index: an epoch costs the same, however long it is."""


class Known(NamedTuple):
    """An entry as held. ``whole``: its body is not wanted."""

    hash: str
    whole: bool


Row = tuple[Entry, str]
"""An entry and why it is unreadable (empty: it is fine)."""


class FeedStore:
    """Entries by key, type and time. Before an entry comes here, its signature or one that covers it was checked."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, rows: Iterable[Row], unchecked: list[signatures.Span] | None = None) -> None:
        """Append in order; synced on return. ``unchecked`` names those whose own signature is still to be checked."""
        values = [_values(entry, problem) for entry, problem in rows]

        def work(c: sqlite3.Connection) -> None:
            c.executemany(
                "INSERT INTO entries (author, epoch, seq, hash, header, sig, body, type, hlc_ms, problem)"
                " VALUES (?,?,?,?,?,?,?,?,?,?)",
                values,
            )
            signatures.note(c, unchecked or [])

        await self._db.write(work)

    async def add_evidence(self, entry: Entry) -> bool:
        """Keep the second of two entries with one key; False when it was kept before."""
        h = entry.header
        values = (h.author, h.epoch, h.seq, entry.hash, h.encode(), entry.sig, entry.body)
        return await self._db.write(
            lambda c: c.execute("INSERT OR IGNORE INTO evidence VALUES (?,?,?,?,?,?,?)", values).rowcount > 0
        )

    async def give_up(self, author: str, epoch: str, seq: int) -> None:
        """Entries from ``seq`` on become evidence: the mesh decided for another branch."""
        key = (author, epoch, seq)

        def work(c: sqlite3.Connection) -> None:
            c.execute(
                "INSERT OR IGNORE INTO evidence SELECT author, epoch, seq, hash, header, sig, body FROM entries"
                " WHERE author = ? AND epoch = ? AND seq >= ?",
                key,
            )
            c.execute("DELETE FROM entries WHERE author = ? AND epoch = ? AND seq >= ?", key)

        await self._db.write(work)

    def entries_from(self, author: str, epoch: str, seq: int) -> list[Entry]:
        """Entries of one epoch from a number on."""
        return [
            row[0]
            for row in self._rows("WHERE author = ? AND epoch = ? AND seq >= ? ORDER BY seq", (author, epoch, seq))
        ]

    def evidence(self, *, held_too: bool = True) -> list[tuple[bytes, str]]:
        """Header and signature of every entry kept as evidence, and of those it stands against where they are held."""
        if not held_too:
            return self._db.read(lambda c: c.execute("SELECT header, sig FROM evidence").fetchall())
        query = (
            "SELECT header, sig FROM evidence UNION SELECT e.header, e.sig FROM entries e JOIN evidence v"
            " ON e.author = v.author AND e.epoch = v.epoch AND e.seq BETWEEN v.seq - 1 AND v.seq"
        )
        return self._db.read(lambda c: c.execute(query).fetchall())

    def forks(self) -> list[tuple[str, str, int, int]]:
        """Keys with evidence, and how many pieces of it."""
        query = (
            "SELECT author, epoch, seq, count(*) FROM evidence GROUP BY author, epoch, seq ORDER BY author, epoch, seq"
        )
        return self._db.read(lambda c: c.execute(query).fetchall())

    async def fill(self, entry: Entry, problem: str) -> bool:
        """Add the body of an entry that is held without it; False when it is not, or its body was erased."""
        where = "author = ? AND epoch = ? AND seq = ? AND hash = ? AND body IS NULL AND problem != ?"
        query = f"UPDATE entries SET body = ?, problem = ? WHERE {where}"  # noqa: S608 - constant text, values bound
        values = (entry.body, problem, *entry.key, entry.hash, ERASED)
        return await self._db.write(lambda c: c.execute(query, values).rowcount > 0)

    def without_body(self, limit: int) -> list[tuple[str, str, int]]:
        """Keys of entries whose body is not here although nobody decided to erase it."""
        query = f"SELECT author, epoch, seq FROM entries WHERE body IS NULL AND problem != '{ERASED}' LIMIT ?"  # noqa: S608 - a constant
        return self._db.read(lambda c: c.execute(query, (limit,)).fetchall())

    def first_without_body(self, author: str) -> list[tuple[str, str, int]]:
        """In each epoch of an author, the first entry whose body is not here although nobody decided to erase it."""
        query = (
            f"SELECT author, epoch, min(seq) FROM entries WHERE author = ? AND body IS NULL AND problem != '{ERASED}'"  # noqa: S608 - a constant
            " GROUP BY author, epoch"
        )
        return self._db.read(lambda c: c.execute(query, (author,)).fetchall())

    async def erase(self, author: str, epoch: str, seq: int, hash_: str) -> set[str]:
        """Erase a body wherever it is kept; the header stays. The type of what may have counted."""
        where = "WHERE author = ? AND epoch = ? AND seq = ? AND hash = ?"
        key = (author, epoch, seq, hash_)

        def work(c: sqlite3.Connection) -> set[str]:
            types = {row[0] for row in c.execute(f"SELECT type FROM entries {where} AND body IS NOT NULL", key)}  # noqa: S608 - constant text
            c.execute(f"UPDATE entries SET body = NULL, problem = '{ERASED}' {where}", key)  # noqa: S608 - constant text
            c.execute(f"UPDATE evidence SET body = NULL {where}", key)  # noqa: S608 - constant text
            return types

        return await self._db.write(work)

    def has_body(self, author: str, epoch: str, seq: int, hash_: str) -> bool:
        """Whether anything is to be erased of this entry."""
        where = "author = ? AND epoch = ? AND seq = ? AND hash = ?"
        query = (
            f"SELECT 1 FROM entries WHERE {where} AND (body IS NOT NULL OR problem != '{ERASED}')"  # noqa: S608 - constant text
            f" UNION SELECT 1 FROM evidence WHERE {where} AND body IS NOT NULL"
        )
        key = (author, epoch, seq, hash_)
        return self._db.read(lambda c: c.execute(query, (*key, *key)).fetchone()) is not None

    async def scrub(self) -> None:
        """Leave nothing of what was erased in the file or its log."""
        await self._db.scrub()

    def find(self, beginning: str) -> list[Entry]:
        """At most two entries whose hash begins with the hex digits ``beginning``; evidence is looked through too."""
        where = "WHERE hash >= ? AND hash < ?"
        query = (
            f"SELECT {_COLUMNS} FROM entries {where} UNION SELECT header, sig, body, '' FROM evidence {where} LIMIT 2"  # noqa: S608 - constant text
        )
        bounds = (beginning, beginning + "g") * 2
        return [_row(columns)[0] for columns in self._db.read(lambda c: c.execute(query, bounds).fetchall())]

    def chains(self) -> Chains:
        """Heads as stored. Takes as long as there are epochs, not entries."""
        query = f"{_HEADS} SELECT author, epoch, seq + 1, hash FROM heads ORDER BY author, epoch"  # noqa: S608 - constant text
        return Chains(
            {(a, ep): (seq, hash_) for a, ep, seq, hash_ in self._db.read(lambda c: c.execute(query).fetchall())}
        )

    def last_own(self, author: str) -> Entry | None:
        """The newest entry of ``author``, by order of arrival."""
        query = f"{_HEADS} SELECT {_COLUMNS} FROM heads WHERE author = ? ORDER BY arrived DESC LIMIT 1"  # noqa: S608 - constant text
        row = self._db.read(lambda c: c.execute(query, (author,)).fetchone())
        return _row(row)[0] if row else None

    def get(self, author: str, epoch: str, seq: int) -> Entry | None:
        """One entry."""
        rows = self._rows("WHERE author = ? AND epoch = ? AND seq = ?", (author, epoch, seq))
        return rows[0][0] if rows else None

    def known(self, author: str, epoch: str, seq: int) -> Known | None:
        """Whether an entry is held, and whether its body is."""
        query = "SELECT hash, body IS NOT NULL OR problem = ? FROM entries WHERE author = ? AND epoch = ? AND seq = ?"
        row = self._db.read(lambda c: c.execute(query, (ERASED, author, epoch, seq)).fetchone())
        return Known(row[0], bool(row[1])) if row else None

    def hash_of(self, author: str, epoch: str, seq: int) -> str | None:
        """Its hash only."""
        row = self._db.read(
            lambda c: c.execute(
                "SELECT hash FROM entries WHERE author = ? AND epoch = ? AND seq = ?", (author, epoch, seq)
            ).fetchone()
        )
        return row[0] if row else None

    def range(self, author: str, epoch: str, start: int, limit: int) -> list[tuple[bytes, str, bytes | None]]:
        """Stored bytes from ``start`` on: (header, sig, body)."""
        return self._db.read(
            lambda c: c.execute(
                "SELECT header, sig, body FROM entries WHERE author = ? AND epoch = ? AND seq >= ? ORDER BY seq LIMIT ?",
                (author, epoch, start, limit),
            ).fetchall()
        )

    def of_types(self, types: Iterable[str]) -> Iterator[Row]:
        """All entries of these types in order of arrival, read in pages."""
        names = sorted(types)
        marks = ",".join("?" * len(names))
        after = 0
        while True:
            query = f"SELECT arrived, {_COLUMNS} FROM entries WHERE type IN ({marks}) AND arrived > ? ORDER BY arrived LIMIT 1000"  # noqa: S608 - marks only
            page = self._db.read(lambda c, q=query, a=after: c.execute(q, (*names, a)).fetchall())  # type: ignore[misc]
            for arrived, *columns in page:
                after = arrived
                yield _row(columns)
            if len(page) < 1000:
                return

    def newest(
        self,
        limit: int,
        type_: str | None,
        author: str | None,
        before: tuple[int, int] | None = None,
        span: Span = Span(),  # noqa: B008 - it never changes
    ) -> list[Row]:
        """The newest of ``span`` by hybrid clock, oldest of them first; those before a :meth:`place` when one is given."""
        where, values = ["1"], list[object]()
        for test, value in (
            ("type =", type_),
            ("author =", author),
            ("hlc_ms >=", span.since),
            ("hlc_ms <", span.until),
        ):
            if value is not None:
                where.append(f"{test} ?")
                values.append(value)
        if before is not None:
            where.append("(hlc_ms, arrived) < (?, ?)")
            values.extend(before)
        rows = self._rows(f"WHERE {' AND '.join(where)} ORDER BY hlc_ms DESC, arrived DESC LIMIT ?", (*values, limit))
        return rows[::-1]

    def place(self, entry: Entry) -> tuple[int, int]:
        """Where an entry stands among the newest: its hybrid clock, and when it came here."""
        key = (entry.header.author, entry.header.epoch, entry.header.seq)
        query = "SELECT hlc_ms, arrived FROM entries WHERE author = ? AND epoch = ? AND seq = ?"
        found = self._db.read(lambda c: c.execute(query, key).fetchone())
        return int(found[0]), int(found[1])

    def count(self) -> int:
        """Number of entries held."""
        return int(self._db.read(lambda c: c.execute("SELECT count(*) FROM entries").fetchone())[0])

    def tallies(self) -> list[Tally]:
        """What is held, by author and type."""
        query = (
            "SELECT author, type, count(*), CAST(total(length(header) + coalesce(length(body), 0)) AS INTEGER),"  # noqa: S608 - a constant
            f" sum(problem = '{ERASED}'), sum(body IS NULL AND problem != '{ERASED}'), sum(body IS NOT NULL AND problem != '')"
            " FROM entries GROUP BY author, type ORDER BY author, type"
        )
        return [Tally(*row) for row in self._db.read(lambda c: c.execute(query).fetchall())]

    def bytes_of(self, author: str, types: Iterable[str]) -> int:
        """Bytes of the bodies of one author's entries of these types that are still here."""
        names = sorted(types)
        marks = ",".join("?" * len(names))
        # The plus sign keeps SQLite from going through everything the author said: by type there is less.
        query = f"SELECT total(length(body)) FROM entries WHERE +author = ? AND type IN ({marks})"  # noqa: S608 - marks only
        return int(self._db.read(lambda c: c.execute(query, (author, *names)).fetchone())[0])

    def page_after(self, key: tuple[str, str, int] | None, limit: int) -> list[tuple[bytes, str, bytes | None]]:
        """Entries in order of (author, epoch, seq), for export and verification."""
        key = key or ("", "", -1)
        return self._db.read(
            lambda c: c.execute(
                "SELECT header, sig, body FROM entries WHERE (author, epoch, seq) > (?,?,?) ORDER BY author, epoch, seq LIMIT ?",
                (*key, limit),
            ).fetchall()
        )

    async def mark_sent(self, keys: list[tuple[str, int]]) -> None:
        """Own entries that were handed to at least one link."""
        await self._db.write(lambda c: c.executemany("INSERT OR IGNORE INTO sent VALUES (?,?)", keys))

    async def add_receipt(self, epoch: str, seq: int, peer: str) -> None:
        """An addressee confirmed to hold an own entry."""
        await self._db.write(lambda c: c.execute("INSERT OR IGNORE INTO receipts VALUES (?,?,?)", (epoch, seq, peer)))

    def delivered(self, epoch: str, seq: int) -> tuple[bool, list[str]]:
        """Whether it was sent, and who sent a receipt."""

        def work(c: sqlite3.Connection) -> tuple[bool, list[str]]:
            sent = c.execute("SELECT 1 FROM sent WHERE epoch = ? AND seq = ?", (epoch, seq)).fetchone()
            peers = c.execute("SELECT peer FROM receipts WHERE epoch = ? AND seq = ? ORDER BY peer", (epoch, seq))
            return sent is not None, [row[0] for row in peers.fetchall()]

        return self._db.read(work)

    def _rows(self, rest: str, values: tuple[object, ...]) -> list[Row]:
        query = f"SELECT {_COLUMNS} FROM entries {rest}"  # noqa: S608 - constant text, values bound
        return [_row(columns) for columns in self._db.read(lambda c: c.execute(query, values).fetchall())]


def _values(entry: Entry, problem: str) -> tuple[object, ...]:
    h = entry.header
    ms = int(h.hlc.partition(":")[0])
    return (h.author, h.epoch, h.seq, entry.hash, h.encode(), entry.sig, entry.body, h.type, ms, problem)


def _row(columns: list[object] | tuple[object, ...]) -> Row:
    header, sig, body, problem = columns
    try:
        if not problem:
            return entry_from_own_disk(header, sig, body), ""  # type: ignore[arg-type]
        return entry_from_header(header, sig, body, verified=True), str(problem)  # type: ignore[arg-type]
    except WireError as error:  # pragma: no cover - only after damage on disk
        raise AssertionError(f"a stored entry is not readable: {error}") from error
