"""The data folder: this peer's keys and stores, held by one process at a time."""

from __future__ import annotations

import fcntl
import getpass
import os
import re
from pathlib import Path
from typing import IO

from chorus_tui.engine.private_file import NotPrivate, create_private, open_private, own_folder, read_private
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.locations import socket_path


class FolderError(Exception):
    """The folder cannot be used. The text names it and the way out."""


class FolderLocked(FolderError):
    """Another engine runs on it."""


class DataFolder:
    """An open, locked data folder. The lock dies with the process, however it dies."""

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path, kind: str) -> DataFolder:
        """Make it (mode 0700) and lock it. Raises :class:`FolderLocked` naming the holder, or :class:`FolderError`."""
        try:
            own_folder(path)
            handle = open_private(path / "engine.lock", os.O_RDWR | os.O_CREAT)
        except NotPrivate as error:
            raise FolderError(str(error)) from None
        except OSError as error:
            raise FolderError(
                f"The data folder {path} cannot be used: {error.strerror}. CHORUS_DATA_DIR sets another"
            ) from None
        lock = os.fdopen(handle, "r+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = " ".join(lock.read().split()) or "unknown"
            lock.close()
            raise FolderLocked(
                f"Another engine runs on {path}: process {holder}. Stop it (chorus-tui --data-dir {path} stop), "
                "or set CHORUS_DATA_DIR to another folder"
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()} ({kind}, socket {socket_path(path)})\n")
        lock.flush()
        return cls(path, lock)

    def identity(self) -> Identity:
        """The peer's key, made on first use (mode 0600, synced). Raises :class:`FolderError` when it is not usable."""
        path = self.path / "identity.key"
        try:
            return Identity.from_key_file(read_private(path))
        except FileNotFoundError:
            identity = Identity.generate()
            create_private(path, identity.key_file())
            return identity
        except NotPrivate as error:
            raise FolderError(str(error)) from None
        except ValueError as error:
            raise FolderError(
                f"{path} is damaged ({error}); restore it from a backup, or move it away to be a new peer"
            ) from None

    def ephemeral(self) -> bool:
        """Whether the folder lies on a container's own layer or in memory, and is lost with it."""
        return file_system(self.path) in ("overlay", "tmpfs")

    def close(self) -> None:
        """Let go of the lock."""
        self._lock.close()


def kept_identity(folder: Path) -> Identity | None:
    """Whose folder it is, without opening or making anything; None when that cannot be read, or nobody was there yet."""
    try:
        return Identity.from_key_file(read_private(folder / "identity.key"))
    except (OSError, NotPrivate, ValueError):
        return None


def file_system(path: Path) -> str:
    """The kind of file system that ``path`` lies on, as the kernel names it; empty where it cannot be told."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    here = path.resolve()
    found: tuple[int, str] = (0, "")
    for line in mounts:
        left, _, right = line.partition(" - ")
        point = Path(left.split()[4].replace("\\040", " "))
        if here == point or point in here.parents:
            # Of two on one place the later one covers the other.
            found = max((len(point.parts), right.split()[0]), found, key=lambda item: item[0])
    return found[1]


def default_agent_id(kind: str, peer_id: str) -> str:
    """A name made from the key, and for people from their user name."""
    tail = peer_id[-8:].lower()
    if kind == "agent":
        return f"agent-{tail}"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "person"
    clean = re.sub(r"[^a-z0-9._-]", "-", user.lower()).strip("-._") or "person"
    return f"{clean[:40]}-{tail[-4:]}"
