"""Blobs on disk. A blob is there when its whole file has its name; nothing else is ever believed.

A file gets its name in one step, after its bytes were hashed and synced, and loses it in one step. So a crash at any
byte leaves either a whole blob or a partial file, which a later download goes on with and hashes anew. The time of the
last use is the file's modification time, and a pin is an empty file: the folder is all the state there is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from chorus_tui.engine.journal.blobs.rules import Held
from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing
from chorus_tui.engine.protocol.canonical import WireError

MAX_BLOB: Final = 256 * 1024 * 1024
CHUNK: Final = 256 * 1024
ABANDONED_S: Final = 24 * 3600.0
"""A partial download that nobody went on with for this long is thrown away."""
_HEX = re.compile(r"[0-9a-f]{64}")


class BlobFiles:
    """The folder ``blobs``. Every method but the small ones may take as long as the disk does: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder / "partial"
        self._pins = folder / "pins"
        for made in (self._partial, self._pins):
            made.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the blob is, if it is there. Raises :class:`BlobMissing` for what is no digest."""
        name = _name(digest)
        return self._folder / name[:2] / name

    def has(self, digest: str) -> bool:
        return self.path(digest).exists()

    def touch(self, digest: str, at: float) -> None:
        """Note a use."""
        os.utime(self.path(digest), (at, at))

    # ── in and out ─────────────────────────────────────────────────────────────────────────────────────────────────

    def copy(self, path: Path) -> BlobInfo:
        """Copy a file in; see :meth:`keep`."""
        with path.open("rb") as source:
            return self.keep(iter(lambda: source.read(CHUNK), b""))

    def keep(self, pieces: Iterable[bytes]) -> BlobInfo:
        """Write a blob and give it its name. Raises :class:`WireError` above 256 MiB, and ``OSError``."""
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self._partial, prefix="new-", delete=False) as target:
            try:
                for piece in pieces:
                    digest.update(piece)
                    size += len(piece)
                    if size > MAX_BLOB:
                        raise WireError("oversize", f"A blob holds at most {MAX_BLOB // 2**20} MiB")
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())
            except BaseException:
                Path(target.name).unlink(missing_ok=True)
                raise
        info = BlobInfo(f"sha256:{digest.hexdigest()}", size)
        self._give_name(Path(target.name), info.digest)
        return info

    def partial(self, digest: str) -> Partial:
        """Begin or go on with a download."""
        return Partial(self, self._partial / _name(digest), digest)

    def _give_name(self, temporary: Path, digest: str) -> None:
        final = self.path(digest)
        final.parent.mkdir(exist_ok=True)
        temporary.chmod(0o600)
        temporary.replace(final)
        _sync(final.parent)
        _sync(self._folder)

    def remove(self, digest: str) -> None:
        """Let a blob go, at once. Not synced: what a crash brings back is the whole blob."""
        self.path(digest).unlink(missing_ok=True)

    def sound(self, digest: str) -> bool:
        """Whether the blob is here with the very bytes it is named for. What is not is taken away, to be fetched anew."""
        try:
            with self.path(digest).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return False
        if found != _name(digest):
            self.remove(digest)
        return found == _name(digest)

    # ── what is here ───────────────────────────────────────────────────────────────────────────────────────────────

    def listing(self) -> list[Held]:
        """Every blob held."""
        found = []
        for folder in self._folder.iterdir():
            if len(folder.name) == 2 and folder.is_dir():
                found += list(_blobs(folder))
        return found

    def clean(self, now: float) -> int:
        """After a crash: throw away what can never become a blob; how many files that were."""
        gone = 0
        for file in self._partial.iterdir():
            old = now - file.stat().st_mtime > ABANDONED_S
            if old or not _HEX.fullmatch(file.name):
                file.unlink(missing_ok=True)
                gone += 1
        return gone

    def pinned(self) -> set[str]:
        """Blobs that a person pinned here."""
        return {f"sha256:{file.name}" for file in self._pins.iterdir() if _HEX.fullmatch(file.name)}

    def pin(self, digest: str, wanted: bool) -> None:
        """Pin by hand, or take the pin away; on disk on return."""
        file = self._pins / _name(digest)
        if wanted:
            file.touch(mode=0o600)
        else:
            file.unlink(missing_ok=True)
        _sync(self._pins)


class Partial:
    """A blob on its way in, hashed while it is written. Closed by :meth:`close`; what came so far stays for the next."""

    def __init__(self, files: BlobFiles, path: Path, digest: str) -> None:
        self._files = files
        self._path = path
        self.digest = digest
        self._file = path.open("a+b")
        self._hash = hashlib.sha256()
        self.size = 0
        self._file.seek(0)
        while piece := self._file.read(CHUNK):
            self._hash.update(piece)
            self.size += len(piece)

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)

    def finish(self) -> bool:
        """Give the blob its name if it is the one that was asked for; else begin again from nothing."""
        if f"sha256:{self._hash.hexdigest()}" != self.digest:
            self._file.truncate(0)
            self._hash, self.size = hashlib.sha256(), 0
            return False
        self._file.flush()
        os.fsync(self._file.fileno())
        self._files._give_name(self._path, self.digest)  # noqa: SLF001 - the two are one module's
        return True

    def close(self) -> None:
        self._file.close()


def _name(digest: str) -> str:
    name = digest.removeprefix("sha256:")
    if name == digest or not _HEX.fullmatch(name):
        raise BlobMissing(f"{digest!r} is no blob digest")
    return name


def _blobs(folder: Path) -> Iterator[Held]:
    with os.scandir(folder) as files:
        for file in files:
            if _HEX.fullmatch(file.name):
                with contextlib.suppress(FileNotFoundError):  # let go this very moment
                    stat = file.stat()
                    yield Held(f"sha256:{file.name}", stat.st_size, stat.st_mtime)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
