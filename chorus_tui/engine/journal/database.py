"""SQLite under the journal and the control log: one writer, batched commits, synchronous point reads.

``Database`` is what others see. :class:`SqliteDatabase` commits in a thread of its own and batches whatever waits into
one fsync; :class:`InlineDatabase` does the same without threads, for simulations, and can lose what was not synced.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import trio

from chorus_tui import __version__

T = TypeVar("T")
Connection = sqlite3.Connection
"""What a work gets; named here so that only this room imports sqlite3."""
Work = Callable[[Connection], T]

_BATCH = 256


class StoreError(Exception):
    """A store cannot be used. The text names the file and the way out."""


class NewerFormat(StoreError):
    """A later version wrote the store."""


class Database(Protocol):
    """One file, one writer."""

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction; returns when it is synced. An exception undoes that work alone."""
        ...

    def read(self, work: Work[T]) -> T:
        """Run an indexed, short read. Sees everything committed."""
        ...

    async def scrub(self) -> None:
        """Leave nothing of deleted or overwritten values in the file or its log."""
        ...

    def close(self) -> None: ...


class SqliteDatabase:
    """A database file with WAL and synchronous FULL."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = False
        self._writer = _connect(path)
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only=ON")
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=f"writer {path.name}", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, schema: list[str]) -> SqliteDatabase:
        """Open or make ``path`` and bring it to the newest schema; ``schema[i]`` leads from format i to i + 1."""
        refuse_newer(path, schema)
        database = cls(path)
        try:
            _migrate(database._writer, schema, path)
        except BaseException:
            database.close()
            raise
        return database

    async def write(self, work: Work[T]) -> T:
        if self._closed:
            raise StoreError(f"{self._path} is closed: the engine is stopping.")
        result: T = await self._handed(_Job(work, trio.lowlevel.current_trio_token(), trio.Event()))
        return result

    async def scrub(self) -> None:
        await self._handed(_Scrub(lambda _: None, trio.lowlevel.current_trio_token(), trio.Event()))

    async def _handed(self, job: _Job) -> Any:
        assert job.done is not None
        self._jobs.put(job)
        # What was handed to the writer happens; a caller that is cancelled must not believe otherwise.
        with trio.CancelScope(shield=True):
            await job.done.wait()
        if job.error is not None:
            raise job.error
        return job.result

    def read(self, work: Work[T]) -> T:
        try:
            return work(self._reader)
        except sqlite3.DatabaseError as error:
            raise _store_error(self._path, error) from error

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()
        self._reader.close()
        self._writer.close()

    def _serve(self) -> None:
        while True:
            jobs = self._next_batch()
            stop = jobs[-1] is None
            work = [job for job in jobs if job is not None]
            if work:
                _commit(self._writer, [job for job in work if not isinstance(job, _Scrub)], self._path)
                for job in work:
                    if isinstance(job, _Scrub):
                        job.empty_log(self._writer, self._path)  # outside of any transaction
                    job.tell()
            if stop:
                return

    def _next_batch(self) -> list[_Job | None]:
        jobs = [self._jobs.get()]
        while jobs[-1] is not None and len(jobs) < _BATCH:
            try:
                jobs.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        return jobs


class InlineDatabase:
    """A database in memory, without threads: every write is synced when it returns, unless syncing is held back.

    ``hold()`` models a disk whose cache was not flushed: writes after it are visible, and :meth:`lose` forgets them.
    """

    def __init__(self, schema: list[str], image: bytes | None = None) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.execute("PRAGMA secure_delete=ON")
        if image is not None:
            self._connection.deserialize(image)
        _migrate(self._connection, schema, Path(":memory:"))
        self._held: bytes | None = None

    async def write(self, work: Work[T]) -> T:
        await trio.lowlevel.checkpoint()
        return self.apply(work)

    def apply(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction now."""
        job = _Job(work, None, None)
        _commit(self._connection, [job], Path(":memory:"))
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    async def scrub(self) -> None:
        """Nothing to do: memory has no log, and SQLite overwrites what is deleted."""
        await trio.lowlevel.checkpoint()

    def read(self, work: Work[T]) -> T:
        return work(self._connection)

    def hold(self) -> None:
        """From here on nothing reaches the disk."""
        self._held = self._connection.serialize()

    def image(self) -> bytes:
        """What a crash now would leave."""
        return self._held if self._held is not None else self._connection.serialize()

    def close(self) -> None:
        """Nothing to stop; the image stays readable."""


class _Job:
    """One piece of work on its way through the writer."""

    def __init__(self, work: Work[Any], token: trio.lowlevel.TrioToken | None, done: trio.Event | None) -> None:
        self.work = work
        self.token = token
        self.done = done
        self.result: Any = None
        self.error: BaseException | None = None

    def tell(self) -> None:
        """Wake the waiting task, if its loop is still there."""
        if self.token is not None and self.done is not None:
            with contextlib.suppress(trio.RunFinishedError):
                self.token.run_sync_soon(self.done.set)


class _Scrub(_Job):
    """Asks for an empty log."""

    def empty_log(self, connection: sqlite3.Connection, path: Path) -> None:
        try:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            self.error = _store_error(path, error)
        else:
            if busy:
                self.error = StoreError(
                    f"{path}: its log could not be emptied, because another program reads the file. Close that program; "
                    "what was erased leaves the log at the next try"
                )


def _commit(connection: sqlite3.Connection, jobs: list[_Job], path: Path) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            with _savepoint(connection, job):
                job.result = job.work(connection)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        for job in jobs:
            job.error = _store_error(path, error)


@contextlib.contextmanager
def _savepoint(connection: sqlite3.Connection, job: _Job) -> Iterator[None]:
    connection.execute("SAVEPOINT job")
    try:
        yield
    except sqlite3.OperationalError:
        raise  # the disk, not the work
    except Exception as error:  # noqa: BLE001 - handed to the caller of write()
        job.error = error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # what is erased leaves no bytes behind
    except sqlite3.Error as error:
        raise _store_error(path, error) from error
    return connection


def format_of(path: Path) -> int:
    """The format that the file at ``path`` is in, 0 where there is none. The file stays as it is, to the byte."""
    try:
        if not path.exists() or not path.stat().st_size:
            return 0
        wal = path.with_name(path.name + "-wal")
        # Whoever opens a file with WAL makes its log and index, even for reading only. Without a log there is nothing in it to miss.
        logged = wal.exists() and wal.stat().st_size
        mode = "mode=ro" if logged else "immutable=1"
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as connection:
            return _user_version(connection)
    except sqlite3.Error as error:
        raise _store_error(path, error) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}. Check that the folder is yours.") from None


def copy_store(path: Path, to: Path, then: Work[None]) -> None:
    """Copy the store at ``path`` into the new file ``to``, as it is at one moment, while others go on writing; then run ``then`` on
    the copy. Raises :class:`StoreError`."""
    try:
        source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=10)
        with contextlib.closing(source), contextlib.closing(sqlite3.connect(to, isolation_level=None)) as copy:
            # All pages in one step: one read transaction, so one moment. Page by page every write would begin it anew.
            source.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            copy.execute("BEGIN")
            then(copy)
            copy.execute("COMMIT")
    except sqlite3.Error as error:
        raise _store_error(path, error) from error


def refuse_newer(path: Path, schema: list[str]) -> None:
    """Raises :class:`NewerFormat` when a later version wrote the file at ``path``; changes nothing."""
    _refuse_newer(format_of(path), schema, path)


def _refuse_newer(held: int, schema: list[str], path: Path) -> None:
    if held > len(schema):
        raise NewerFormat(
            f"{path} was written by a newer chorus-tui: it is in format {held}, and this version, {__version__}, reads up to format "
            f"{len(schema)}. Nothing was changed. Install the newer version again, restore a backup that this version made into an "
            "empty folder, or set CHORUS_DATA_DIR to another folder"
        )


def _user_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection, schema: list[str], path: Path) -> None:
    try:
        held = _user_version(connection)
        _refuse_newer(held, schema, path)
        for step in range(held, len(schema)):
            connection.executescript(f"BEGIN; {schema[step]}; PRAGMA user_version={step + 1}; COMMIT;")
    except sqlite3.Error as error:
        raise _store_error(path, error) from error


def _store_error(path: Path, error: sqlite3.Error) -> StoreError:
    text = str(error)
    if "full" in text:
        return StoreError(
            f"The disk is full: {path} cannot be written. Free some space and start again; nothing stored is lost."
        )
    if isinstance(error, sqlite3.OperationalError) and "unable to open" in text:
        return StoreError(f"{path} cannot be opened: {text}. Check that the folder exists and is yours.")
    if "malformed" in text or "not a database" in text:
        return StoreError(
            f"{path} is damaged ({text}). Move the data folder away; this peer fetches the history again from the others."
        )
    return StoreError(f"{path}: {text}")
