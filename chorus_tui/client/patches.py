"""Diffs between a front and its engine: sent in pieces, read in pieces, and checked."""

from __future__ import annotations

import base64
import hashlib

from chorus_tui.client.artifacts import Ask
from chorus_tui.contract.models.patches import DiffChunk, ReadDiff, StagePiece
from chorus_tui.contract.problem import Problem

PIECE = 400_000
"""Bytes of a diff in one request."""


async def stage(ask: Ask, data: bytes) -> str:
    """Bring a diff to the engine; the name under which it is held there for some minutes."""
    name, at = "", 0
    while at < len(data) or not name:
        piece = base64.b64encode(data[at : at + PIECE]).decode()
        staged = await ask("patches.stage", StagePiece(staged=name, offset=at, data=piece))
        name, at = staged.staged, staged.size
    return name


async def read_diff(ask: Ask, patch_id: str, revision: int | None = None) -> bytes:
    """The diff of a patch, whole. Raises ``Problem``, also when what came is not what its author promised."""
    data = bytearray()
    while True:
        chunk: DiffChunk = await ask("patches.diff", ReadDiff(patch_id=patch_id, revision=revision, offset=len(data)))
        piece = base64.b64decode(chunk.data)
        data += piece
        if not piece or len(data) >= chunk.size:
            break
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != chunk.digest:
        raise Problem(502, "damaged", "The diff is not what its author promised", "Nothing of it is shown.")
    return bytes(data)
