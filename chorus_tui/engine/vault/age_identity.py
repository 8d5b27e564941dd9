"""This peer's age identity: a file that the ``age`` command reads too."""

from __future__ import annotations

import os
from pathlib import Path

import pyrage
from pyrage import x25519


class AgeKeyError(Exception):
    """The key file cannot be used. The text names it."""


class AgeIdentity:
    """Opens what was sealed for ``recipient``."""

    def __init__(self, identity: x25519.Identity) -> None:
        self._identity = identity
        self.recipient = str(identity.to_public())

    @classmethod
    def generate(cls) -> AgeIdentity:
        """A fresh one, of the operating system's chance."""
        return cls(x25519.Identity.generate())

    @classmethod
    def load_or_create(cls, path: Path) -> AgeIdentity:
        """The identity in ``path``, made on first use with mode 0600. Raises :class:`AgeKeyError`."""
        if not path.exists():
            made = x25519.Identity.generate()
            text = f"# public key: {made.to_public()}\n{made}\n"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            return cls(made)
        if path.stat().st_mode & 0o077:
            raise AgeKeyError(f"{path} can be read by others; run: chmod 600 {path}")
        lines = [line.strip() for line in path.read_text().splitlines()]
        secret = next((line for line in lines if line.startswith("AGE-SECRET-KEY-")), "")
        try:
            return cls(x25519.Identity.from_str(secret))
        except Exception:  # noqa: BLE001 - pyrage raises an exception class of its own that it does not export
            raise AgeKeyError(
                f"{path} holds no age identity; restore it from a backup or move it away for a new one"
            ) from None

    def decrypt(self, sealed: bytes) -> bytes | None:
        """What was sealed, or None when it is not for this identity or is no age file."""
        try:
            clear: bytes = pyrage.decrypt(sealed, [self._identity])
        except Exception:  # noqa: BLE001 - as above; whoever wrote it may have written anything
            return None
        return clear
