"""Files and folders that nobody but this user may touch: keys, tokens, locks, reports.

The rule it keeps: a private file is a plain file of this user, mode 0600, under exactly one name. A link in its place, symbolic
or hard, is refused: what stands behind it may be somebody else's, or be read by another name.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class NotPrivate(Exception):
    """It is not private, or cannot be used. The text names it and the way out."""


def own_folder(path: Path) -> None:
    """Make a folder of mode 0700, or close an own one that others can enter. Raises :class:`NotPrivate`, ``OSError``."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.stat()
    if status.st_uid == os.geteuid():
        if stat.S_IMODE(status.st_mode) & 0o077:
            path.chmod(0o700)
    elif status.st_mode & stat.S_IWOTH:
        raise NotPrivate(f"{path} belongs to another user and can be written by all. Choose a folder of your own")


def open_private(path: Path, flags: int) -> int:
    """A descriptor of a private file, made with mode 0600 if ``flags`` say so. Raises :class:`NotPrivate`, ``OSError``."""
    if path.is_symlink():
        raise NotPrivate(f"{path} is a link. Put the file itself in its place")
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _check(os.fstat(handle), path)
    except NotPrivate:
        os.close(handle)
        raise
    return handle


def read_private(path: Path) -> bytes:
    """The content of a private file. Raises :class:`NotPrivate`, ``OSError`` (``FileNotFoundError`` when there is none)."""
    with os.fdopen(open_private(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        return file.read()


def create_private(path: Path, data: bytes) -> None:
    """A new private file, on the disk when this returns. Raises ``OSError``: ``FileExistsError`` when there is one."""
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_private(path: Path, data: bytes) -> None:
    """A private file in the place of what was there: whole and on the disk when this returns, or not at all. Raises ``OSError``.

    One at a time: what stands beside it as ``.new`` was left by a crash, or put there to be written through, and goes.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        create_private(fresh, data)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotPrivate(f"{path} is no plain file. Move it away")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise NotPrivate(f"{path} can be read by others; run: chmod 600 {path}")
    if status.st_uid != os.geteuid():
        raise NotPrivate(f"{path} belongs to another user; run: chown {os.geteuid()} {path}")
    if status.st_nlink > 1:
        raise NotPrivate(
            f"{path} has {status.st_nlink} names: another file is a hard link to it. Copy it and remove the others"
        )
