"""Where things are on this machine: data folder, socket, configuration. Both sides of the contract ask here."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import platformdirs


def data_dir(kind: str, explicit: str | None) -> Path:
    """The data folder: ``explicit``, or one per kind (``agent``, ``human``) in the user's data folder."""
    return Path(explicit).expanduser().absolute() if explicit else Path(platformdirs.user_data_dir("chorus-tui")) / kind


def config_dir() -> Path:
    """The user's configuration folder: the network key shared by that user's data folders."""
    return Path(platformdirs.user_config_dir("chorus-tui"))


def socket_path(data: Path) -> Path:
    """The engine's Unix socket: a short hashed name in the runtime folder, since a path there holds 108 bytes only."""
    name = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
    return runtime_dir() / f"{name}.sock"


def runtime_dir() -> Path:
    """A folder of this user's own (mode 0700, checked by whoever creates the socket)."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir():
        return Path(base) / "chorus-tui"
    return Path(tempfile.gettempdir()) / f"chorus-tui-{os.getuid()}"
