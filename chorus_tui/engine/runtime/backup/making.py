"""Makes a backup: stores as they are at one moment, then keys, then blobs; sealed before the first byte reaches the disk.

The keys after the stores, so that none is missing that a store speaks of; the blobs last, because each is whole or not there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from chorus_tui import __version__
from chorus_tui.contract.models.operate import BackedUp
from chorus_tui.engine.control.store import unseat
from chorus_tui.engine.data_folder import kept_identity
from chorus_tui.engine.journal.database import copy_store, format_of
from chorus_tui.engine.private_file import NotPrivate, open_private
from chorus_tui.engine.runtime import stores
from chorus_tui.engine.runtime.backup.contents import (
    ABOUT,
    FORMAT,
    SUMS,
    About,
    BadBackup,
    belongs,
    copying_prefix,
    sums,
)
from chorus_tui.engine.vault import archives


def make(folder: Path, to: Path, recipients: Sequence[str]) -> BackedUp:
    """Back ``folder`` up into the new file ``to``. An engine may run on it. Raises :class:`BadBackup`, ``StoreError``, ``AgeKeyError``."""
    archives.check_recipients(recipients)
    me = kept_identity(folder)
    if me is None:
        raise BadBackup(f"{folder} is no data folder of a peer. --data-dir names it, or --kind")
    stores.check(folder)
    if to.exists():
        raise BadBackup(f"{to} is there already. Choose another name")
    with _alone(folder):
        return _made(folder, to, me.peer_id, recipients)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other backup is made of it meanwhile; so copies of stores that lie there are of one that was killed, and go."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadBackup(f"Another backup of {folder} is being made. Wait for its end") from None
        for left in folder.glob(f"{copying_prefix()}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(handle)


def _made(folder: Path, to: Path, peer_id: str, recipients: Sequence[str]) -> BackedUp:
    partial = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with os.fdopen(open_private(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            packer = _Packer(folder, peer_id)
            with packer.stream() as reader:
                archives.seal(reader, file, recipients)
            if packer.failure is not None:
                raise packer.failure
            file.flush()
            os.fsync(file.fileno())
        partial.replace(to)
    except (OSError, NotPrivate) as error:
        raise BadBackup(f"{to} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return BackedUp(
        file=str(to), size=to.stat().st_size, files=len(packer.hashes), peer_id=peer_id, recipients=list(recipients)
    )


class _Packer:
    """Writes the archive in a thread of its own, into a pipe from which age reads."""

    def __init__(self, folder: Path, peer_id: str) -> None:
        self._folder = folder
        self._peer_id = peer_id
        self.hashes: dict[str, str] = {}
        self.failure: Exception | None = None

    @contextlib.contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        """The reading end; what went wrong meanwhile stands in ``failure``."""
        end, start = os.pipe()
        thread = threading.Thread(target=self._pack, args=(os.fdopen(start, "wb"),), name="packing")
        with os.fdopen(end, "rb") as reader:
            thread.start()
            try:
                yield reader
            finally:
                reader.close()  # whoever still writes learns that nobody reads
                thread.join()

    def _pack(self, out: IO[bytes]) -> None:
        try:
            with out, tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                with tempfile.TemporaryDirectory(prefix=copying_prefix(), dir=self._folder) as copies:
                    self._stores(archive, Path(copies))
                self._files(archive)
                self._add(archive, SUMS, sums(self.hashes))
        except Exception as error:  # noqa: BLE001 - told by make(), which waits for it
            self.failure = error

    def _stores(self, archive: tarfile.TarFile, copies: Path) -> None:
        there = [name for name in stores.SCHEMAS if (self._folder / name).exists()]
        for name in there:
            copy_store(self._folder / name, copies / name, unseat if name == stores.CONTROL else lambda _: None)
        told = About(
            backup=FORMAT, version=__version__, made_at=datetime.now(UTC).isoformat(timespec="seconds"), peer_id=self._peer_id,
            formats={name: format_of(copies / name) for name in there},
        )  # fmt: skip
        self._add(archive, ABOUT, told.model_dump_json().encode())
        for name in there:
            with (copies / name).open("rb") as file:
                self._add_file(archive, name, file)

    def _files(self, archive: tarfile.TarFile) -> None:
        found = [file for file in self._folder.rglob("*") if file.is_file() and not file.is_symlink()]
        names = [file.relative_to(self._folder).as_posix() for file in found]
        for name in sorted(names, key=lambda name: (name.startswith("blobs/"), name)):
            if name in stores.SCHEMAS or not belongs(name):
                continue
            with contextlib.suppress(FileNotFoundError), (self._folder / name).open("rb") as file:
                self._add_file(archive, name, file)

    def _add_file(self, archive: tarfile.TarFile, name: str, file: IO[bytes]) -> None:
        size = os.fstat(file.fileno()).st_size
        hashing = _Hashing(file)
        archive.addfile(_member(name, size), hashing)
        self.hashes[name] = hashing.digest.hexdigest()

    def _add(self, archive: tarfile.TarFile, name: str, content: bytes) -> None:
        archive.addfile(_member(name, len(content)), io.BytesIO(content))


class _Hashing(io.RawIOBase):
    """A file whose content is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        return piece


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info
