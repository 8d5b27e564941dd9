"""Task ids: ULIDs, and the id under which an open task of a left mesh goes on."""

from __future__ import annotations

import hashlib

from chorus_tui.engine.protocol.ulid import encode, ulid

__all__ = ["continued", "ulid"]


def continued(mesh_id: str, task_id: str) -> str:
    """The id of a task that goes on in another mesh: the same for everybody who continues it."""
    digest = hashlib.sha256(f"{mesh_id}/{task_id}".encode()).digest()
    return encode(int.from_bytes(digest[:16], "big"))
