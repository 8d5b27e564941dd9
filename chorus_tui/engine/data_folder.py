"""The data folder: this peer's keys and stores, held by one process at a time."""

from __future__ import annotations

import fcntl
import getpass
import os
import re
from pathlib import Path
from typing import IO

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
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path / "engine.lock", os.O_RDWR | os.O_CREAT, 0o600)
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
        if not path.exists():
            identity = Identity.generate()
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(identity.key_file())
                file.flush()
                os.fsync(file.fileno())
            return identity
        if path.stat().st_mode & 0o077:
            raise FolderError(f"{path} can be read by others; run: chmod 600 {path}")
        try:
            return Identity.from_key_file(path.read_bytes())
        except ValueError as error:
            raise FolderError(
                f"{path} is damaged ({error}); restore it from a backup, or move it away to be a new peer"
            ) from None

    def ephemeral(self) -> bool:
        """Whether the folder lies on a container's own layer or in memory, and is lost with it."""
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return False
        here = self.path.resolve()
        found: tuple[int, str] = (0, "")
        for line in mounts:
            left, _, right = line.partition(" - ")
            point = Path(left.split()[4].replace("\\040", " "))
            if here == point or point in here.parents:
                found = max(found, (len(point.parts), right.split()[0]), key=lambda item: item[0])
        return found[1] in ("overlay", "tmpfs")

    def close(self) -> None:
        """Let go of the lock."""
        self._lock.close()


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
