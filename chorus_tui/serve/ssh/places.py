"""Where the SSH portal keeps what it has: below the data folder, unless it was set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chorus_tui.serve import settings


def key_file(data: Path, environ: Mapping[str, str]) -> Path:
    """The authorized keys. Raises :class:`~chorus_tui.serve.settings.BadSetting`."""
    given = settings.text("CHORUS_SSH_KEYS", environ)
    return Path(given).expanduser().absolute() if given else data / "ssh" / "authorized_keys"


def host_key_file(data: Path) -> Path:
    """The server's own key."""
    return data / "ssh" / "host_key"
