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


class NameBlob(Request):
    """One blob by its digest, ``sha256:`` and 64 hex digits."""

    digest: str = Field(pattern=DIGEST)


class PinBlob(NameBlob):
    """Keep a blob whatever the room here, or no longer."""

    keep: bool = True


class BlobRow(Answer):
    """A blob on this disk. ``used``: Unix time of its last use. ``kept``: why it stays whatever the room; empty: it may go
    while others hold it."""

    digest: str
    size: int
    used: float
    kept: str


class BlobStats(Answer):
    """Bytes and counts of this peer. ``missing``: to be kept here, but not to be had yet. ``quota``: 0 means no limit."""

    count: int
    bytes: int
    kept: int
    kept_bytes: int
    missing: int
    quota: int


class BlobList(Answer):
    """Everything here, the newest use first."""

    stats: BlobStats
    blobs: list[BlobRow]
    missing: list[str]


class BlobHolders(Answer):
    """Who holds a blob now, of the members in reach; ``here``: this peer does. ``should``: the members that keep it for
    all."""

    digest: str
    here: bool
    holders: list[str]
    names: list[str]
    should: list[str]


class BlobChunk(Answer):
    """``data`` is base64; ``size`` is that of the whole blob in bytes."""

    digest: str
    size: int
    offset: int
    data: str
