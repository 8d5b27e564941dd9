"""Blobs: content by its hash."""

from __future__ import annotations

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Request

DIGEST = r"^sha256:[0-9a-f]{64}$"


class ReadBlob(Request):
    """Read ``length`` bytes from ``offset``. The engine fetches the blob from a peer first if it does not hold it."""

    digest: str = Field(pattern=DIGEST)
    offset: int = Field(default=0, ge=0)
    length: int = Field(default=1 << 20, ge=1, le=1 << 20)


class BlobChunk(Answer):
    """``data`` is base64; ``size`` is that of the whole blob in bytes."""

    digest: str
    size: int
    offset: int
    data: str
