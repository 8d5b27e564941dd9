"""The repository on its way into the sandbox: a tar stream made from a local folder, with nothing of the host in it.

Symbolic links travel as links and are never followed here; owner, times and special bits are dropped; what is neither
file, folder nor link stays behind, and so does a link that climbs out of the folder, which the engine refuses.
"""

from __future__ import annotations

import io
import os
import posixpath
import stat
import tarfile
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

import trio

from chorus_tui.engine.execution.errors import InputUnusable

_PIECE = 256 * 1024
_PAGE = 4096
MOST_NAMES = 10_000
VENDORED = frozenset({"node_modules", "vendor", "third_party", "target", "dist", "build"})
"""Folders whose content says nothing about what the repository is written in."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How much room a folder takes in a tmpfs: pages, MiB rounded up, and entries."""

    size_mb: int
    entries: int


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """All entries below ``root``, sorted, each folder before its content."""
    for name, is_folder in sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in os.scandir(root)):
        path = root / name
        yield name, path.lstat()
        if is_folder:
            for below, status in _walk(path):
                yield f"{name}/{below}", status


def measure(root: Path) -> Measured:
    """How much ``root`` takes; raises :class:`InputUnusable` when it cannot be read."""
    size = entries = 0
    try:
        for _, status in _walk(root):
            entries += 1
            size += -(-status.st_size // _PAGE) * _PAGE if stat.S_ISREG(status.st_mode) else _PAGE
    except OSError as error:
        raise InputUnusable(f"repository {root} cannot be read: {error.strerror}") from error
    return Measured(-(-size // (1 << 20)), entries)


def file_names(root: Path) -> list[str]:
    """Paths of its files, relative, the ones near the top first; at most :data:`MOST_NAMES`, vendored code left out."""
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in VENDORED and not name.startswith("."))
        below = Path(folder).relative_to(root)
        found += [str(below / name) for name in sorted(names)]
        if len(found) >= MOST_NAMES:
            break
    return found[:MOST_NAMES]


def tar_pieces(root: Path, below: str = "") -> Iterator[bytes]:
    """The tar stream, its names ``below`` a folder. A file that shrinks meanwhile is filled with zeros, one that grows is
    cut: never torn."""
    if below:
        folder = tarfile.TarInfo(below)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        yield folder.tobuf(tarfile.PAX_FORMAT)
    for name, status in _walk(root):
        member = _member(root, name, status)
        if member is None:
            continue
        member.name = f"{below}/{name}" if below else name
        yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        if member.isreg():
            yield from _content(root / name, member.size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(root: Path, name: str, status: os.stat_result) -> tarfile.TarInfo | None:
    member = tarfile.TarInfo(name)
    if stat.S_ISDIR(status.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    elif stat.S_ISLNK(status.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, str((root / name).readlink())
        if climbs_out(name, member.linkname):
            return None
    elif stat.S_ISREG(status.st_mode):
        member.size, member.mode = status.st_size, 0o755 if status.st_mode & 0o100 else 0o644
    else:
        return None
    return member


def climbs_out(name: str, target: str) -> bool:
    """Whether a relative link called ``name`` leads out of the folder. Absolute ones mean the sandbox's own files."""
    if target.startswith("/"):
        return False
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target)).split("/", 1)[0] == ".."


def _content(path: Path, size: int) -> Iterator[bytes]:
    # O_NOFOLLOW: between the look and this moment the file may have become a link to somewhere else.
    with io.FileIO(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
        left = size
        while left:
            piece = file.read(min(left, _PIECE)) or bytes(min(left, _PIECE))
            left -= len(piece)
            yield piece
    yield bytes(-size % tarfile.BLOCKSIZE)


async def tar_stream(root: Path, below: str = "") -> AsyncGenerator[bytes, None]:
    """:func:`tar_pieces`, read in a thread, in pieces worth sending."""
    pieces = tar_pieces(root, below)
    done = False
    while not done:
        batch = bytearray()

        def read(batch: bytearray = batch) -> bool:
            while len(batch) < _PIECE:
                piece = next(pieces, None)
                if piece is None:
                    return True
                batch += piece
            return False

        try:
            done = await trio.to_thread.run_sync(read)
        except OSError as error:
            raise InputUnusable(f"the repository changed while it was read ({error.strerror}): try again") from error
        if batch:
            yield bytes(batch)


def folder_bytes(root: Path) -> int:
    """Bytes below ``root`` that are there at this moment; what vanishes while looking counts nothing."""
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - a hot loop over strings
            except OSError:
                continue
    return total
