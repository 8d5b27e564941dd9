"""Task ids: ULIDs, and the id under which an open task of a left mesh goes on."""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(unix_s: float, chance: bytes) -> str:
    """A ULID of this time and 80 random bits (ulid/spec)."""
    return _encode((int(unix_s * 1000) & ((1 << 48) - 1)) << 80 | int.from_bytes(chance[:10], "big"))


def continued(mesh_id: str, task_id: str) -> str:
    """The id of a task that goes on in another mesh: the same for everybody who continues it."""
    digest = hashlib.sha256(f"{mesh_id}/{task_id}".encode()).digest()
    return _encode(int.from_bytes(digest[:16], "big"))


def _encode(number: int) -> str:
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
