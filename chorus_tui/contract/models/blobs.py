"""Blobs: content by its hash."""

from __future__ import annotations

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Page, Paged, Request

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


class BlobRef(Request):
    """One blob."""

    digest: str = Field(pattern=DIGEST)


class ListBlobs(Paged):
    """What is held here, last used first."""

    limit: int = Field(default=100, ge=1, le=1000)


class BlobRow(Answer):
    """One blob held here. ``pinned`` says why it is never let go; empty: it may go when others hold it."""

    digest: str
    size: int
    used_at: float
    pinned: list[str] = Field(default_factory=list)


class BlobList(Page):
    """``total`` counts all that are held."""

    blobs: list[BlobRow]
    total: int


class BlobStats(Answer):
    """Sizes in bytes. ``missing`` are blobs this peer is to keep and does not hold yet."""

    blobs: int
    bytes: int
    quota: int
    pinned: int
    pinned_bytes: int
    missing: int


class BlobHolders(Answer):
    """Members that vouch for a blob now, after reading it; ``asked`` counts the members in reach."""

    digest: str
    held_here: bool
    holders: list[str]
    asked: int
    names: dict[str, str] = Field(default_factory=dict, description="Agent ids by peer id")
