"""One age identity: opens what was sealed for its recipient."""

from __future__ import annotations

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

    def decrypt(self, sealed: bytes) -> bytes | None:
        """What was sealed, or None when it is not for this identity or is no age file."""
        try:
            clear: bytes = pyrage.decrypt(sealed, [self._identity])
        except Exception:  # noqa: BLE001 - pyrage raises an exception class of its own
            return None
        return clear
