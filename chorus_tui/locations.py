"""Where things are on this machine: data folder, socket, configuration. Both sides of the contract ask here."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

import platformdirs


def data_dir(kind: str, explicit: str | None) -> Path:
    """The data folder: ``explicit``, or one per kind (``agent``, ``human``) in the user's data folder."""
    return Path(explicit).expanduser().absolute() if explicit else Path(platformdirs.user_data_dir("chorus-tui")) / kind


def kind_of(data: Path) -> str:
    """``agent`` or ``human``: whose engine ran on the data folder last, as its lock tells; empty where none ever did."""
    try:
        said = (data / "engine.lock").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.match(r"\d+ \((agent|human),", said)
    return found[1] if found else ""


def kind_here(explicit: str | None) -> str:
    """Of the folder ``explicit``; without one, of that of this user's on which an engine runs, or ran last. Else ``agent``."""
    if explicit:
        return kind_of(data_dir("agent", explicit)) or "agent"
    used = [(kind, folder) for kind in ("agent", "human") if kind_of(folder := data_dir(kind, None))]
    newest = max(used, key=lambda one: (socket_path(one[1]).exists(), _started(one[1])), default=("agent", None))
    return newest[0]


def _started(data: Path) -> float:
    try:
        return (data / "engine.lock").stat().st_mtime
    except OSError:
        return 0.0


def config_dir() -> Path:
    """The user's configuration folder: the network key shared by that user's data folders."""
    return Path(platformdirs.user_config_dir("chorus-tui"))


def socket_path(data: Path) -> Path:
    """The engine's Unix socket: a short hashed name in the runtime folder, since a path there holds 108 bytes only."""
    name = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
    return runtime_dir() / f"{name}.sock"


def check_own(socket: Path) -> None:
    """Raise ``PermissionError`` where somebody else could have put a socket; for whoever is about to ask there.

    Without ``XDG_RUNTIME_DIR`` its name can be foretold and its folder lies where everybody may make one. Root, which is sent to another
    user's folder by that variable, goes where it is sent.
    """
    folder = socket.parent
    try:
        status = folder.lstat()
    except OSError:
        return  # nobody is there
    ours = status.st_uid == os.geteuid() or (os.geteuid() == 0 and bool(os.environ.get("XDG_RUNTIME_DIR")))
    if not (stat.S_ISDIR(status.st_mode) and ours) or stat.S_IMODE(status.st_mode) & 0o022:
        why = "it is not a folder that this user alone can write, so anybody may answer there; remove it, or set XDG_RUNTIME_DIR"
        raise PermissionError(errno.EPERM, why, str(folder))


def runtime_dir() -> Path:
    """A folder of this user's own (mode 0700, checked by whoever creates the socket, and by whoever asks there)."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir():
        return Path(base) / "chorus-tui"
    return Path(tempfile.gettempdir()) / f"chorus-tui-{os.getuid()}"
