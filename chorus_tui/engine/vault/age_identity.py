"""This peer's age identity: a file that the ``age`` command reads too."""

from __future__ import annotations

import os
from pathlib import Path

from pyrage import x25519


class AgeKeyError(Exception):
    """The key file cannot be used. The text names it."""


def load_or_create(path: Path) -> str:
    """The public recipient of the identity in ``path``, made on first use with mode 0600."""
    if not path.exists():
        identity = x25519.Identity.generate()
        text = f"# public key: {identity.to_public()}\n{identity}\n"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return str(identity.to_public())
    if path.stat().st_mode & 0o077:
        raise AgeKeyError(f"{path} can be read by others; run: chmod 600 {path}")
    lines = [line.strip() for line in path.read_text().splitlines()]
    secret = next((line for line in lines if line.startswith("AGE-SECRET-KEY-")), "")
    try:
        return str(x25519.Identity.from_str(secret).to_public())
    except Exception:  # noqa: BLE001 - pyrage raises an exception class of its own that it does not export
        raise AgeKeyError(
            f"{path} holds no age identity; restore it from a backup or move it away for a new one"
        ) from None
