"""Blobs on this disk: files named by their hash.

A blob is there when its whole file is there under its name, and it gets its name only after it was hashed and synced. So a
crash at any byte leaves a whole blob or none; what is left over is a partial download that is resumed, or scrap.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from chorus_tui.engine.journal.blob_rules import Held
from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing
from chorus_tui.engine.protocol.canonical import WireError

MAX_BLOB = 256 * 1024 * 1024
CHUNK = 256 * 1024
USED_EVERY_S = 60.0
"""The time of the last use is written at most so often."""
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_SCRAP = "new-"


class BlobStore:
    """The files; nothing here waits for the network. Methods that write block: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.partial = folder / "partial"
        self.partial.mkdir(parents=True, exist_ok=True)
        for scrap in self.partial.glob(f"{_SCRAP}*"):
            scrap.unlink()

    def file(self, digest: str) -> Path:
        """Where a blob lies or would lie. Raises :class:`BlobMissing` for what is no digest."""
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise BlobMissing(f"{digest!r} is no blob digest")
        return self.folder / match[1][:2] / match[1]

    def download(self, digest: str) -> Path:
        """Where a blob is collected until it is whole."""
        return self.partial / self.file(digest).name

    def has(self, digest: str) -> bool:
        """Whether the whole blob is here."""
        return self.file(digest).exists()

    def used(self, digest: str) -> None:
        """It was used now; the longest unused go first."""
        file = self.file(digest)
        now = time.time()  # the file system's own clock, beside its other times
        if now - file.stat().st_mtime > USED_EVERY_S:
            os.utime(file, (now, now))

    def copy(self, path: Path) -> BlobInfo:
        """Take in a file."""
        with path.open("rb") as source:
            return self.keep(iter(lambda: source.read(CHUNK), b""))

    def keep(self, pieces: Iterable[bytes]) -> BlobInfo:
        """Take in bytes. Raises :class:`WireError` for more than the limit."""
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self.partial, prefix=_SCRAP, delete=False) as target:
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
        self._name(Path(target.name), info.digest)
        return info

    def finish(self, digest: str) -> None:
        """A download is complete: check it and give it its name. Raises :class:`WireError` when it is not what was asked for."""
        download = self.download(digest)
        with download.open("rb") as file:
            found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
            os.fsync(file.fileno())
        if found != digest:
            download.unlink()
            raise WireError("bad_blob", "The bytes do not have the hash that was asked for")
        self._name(download, digest)

    def _name(self, temporary: Path, digest: str) -> None:
        final = self.file(digest)
        final.parent.mkdir(exist_ok=True)
        temporary.chmod(0o600)
        os.utime(temporary)
        temporary.replace(final)
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def drop(self, digest: str) -> None:
        """Remove a blob; none is no error."""
        self.file(digest).unlink(missing_ok=True)

    def held(self) -> list[Held]:
        """Everything that is here."""
        found = []
        for file in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            try:
                told = file.stat()
            except FileNotFoundError:
                continue
            if _DIGEST.fullmatch(f"sha256:{file.name}"):
                found.append(Held(f"sha256:{file.name}", told.st_size, told.st_mtime))
        return found
