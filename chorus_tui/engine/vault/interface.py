"""The vault as the features see it: whose keys open what.

Content is sealed to *keyrings*, not to peers: one for each authority (``master``, ``decision``, …) and one for each role
(``role:<name>``). Who holds a keyring follows from what the control log granted; whoever is granted it later is given the
keys by somebody who holds them. The files are plain age files: the ``age`` command opens them with a peer's ``age.key``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Keyring = str
"""``master``, ``decision``, ``coordination``, ``suggestion``, ``read_only`` or ``role:<name>``."""


class CannotSeal(Exception):
    """Nobody could read it, or it does not fit. The text says which."""


class CannotOpen(Exception):
    """A sealed file that does not open here. The text says why, and who could help."""


class NotForUs(CannotOpen):
    """It is sealed to keyrings that this peer does not hold."""


class NotReadable(CannotOpen):
    """It is no age file, a damaged one, or of a kind that is refused or not supported."""


class Vault(Protocol):
    """Seals and opens whole files."""

    def readers_of(self, author: str) -> tuple[Keyring, ...]:
        """Who reads what ``author`` (a member's peer id) writes: its role, the authorities that may read its own, masters."""
        ...

    def seal_file(self, clear: bytes, readers: Sequence[Keyring]) -> bytes:
        """A binary age file that holders of these keyrings, and this peer, can open. CPU-bound: call it in a thread when
        ``clear`` is large. Raises :class:`CannotSeal`."""
        ...

    def open_file(self, sealed: bytes) -> bytes:
        """What an age file says; its header is checked first. Raises :class:`CannotOpen`."""
        ...
