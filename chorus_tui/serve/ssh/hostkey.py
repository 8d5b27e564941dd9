"""The server's own key: made on the first start, its user's alone, the same ever after. Its fingerprint is what guests compare."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

import asyncssh

from chorus_tui.contract.ssh_key import fingerprint


class HostKeyUnusable(Exception):
    """There is no host key to serve with. The text names the file and the way out."""


def load_or_make(path: Path) -> asyncssh.SSHKey:
    """The key in ``path``. Raises :class:`HostKeyUnusable`."""
    try:
        if not path.exists() and not path.is_symlink():
            _make(path)
        return asyncssh.import_private_key(_read(path))
    except asyncssh.KeyImportError as error:
        raise HostKeyUnusable(
            f"{path} is no private key. Delete it for a new one; guests will be warned of the change"
        ) from error
    except OSError as error:
        raise HostKeyUnusable(f"Cannot use the host key {path}: {error.strerror}") from error


def identity(key: asyncssh.SSHKey) -> str:
    """The fingerprint, as a client shows it."""
    return fingerprint(key.public_data)


def _make(path: Path) -> None:
    """Written beside and then named, so that of two that start at once both have the first one's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise HostKeyUnusable(f"{path} can be read by others. Run: chmod 600 {path}, or delete it for a new one")
        return file.read(1 << 16)
