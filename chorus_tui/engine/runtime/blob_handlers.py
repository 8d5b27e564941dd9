"""Blobs for callers: their bytes, what is here, who holds them."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from chorus_tui.contract.models import blobs as models
from chorus_tui.engine.journal import blob_rules
from chorus_tui.engine.journal.blob_keeping import Stock
from chorus_tui.engine.runtime.engine import Engine


class BlobHandlers:
    """Answers from the store and from other members."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "blobs.read": self.read,
            "blobs.list": self.list,
            "blobs.stats": self.stats,
            "blobs.holders": self.holders,
            "blobs.pin": self.pin,
        }

    async def read(self, request: models.ReadBlob, _caller: Any) -> models.BlobChunk:
        """A range; the blob is fetched from a member first when it is not here."""
        path = await self._engine.blobs.path(request.digest)

        def read() -> tuple[int, bytes]:
            with path.open("rb") as file:
                file.seek(request.offset)
                return path.stat().st_size, file.read(request.length)

        size, data = await trio.to_thread.run_sync(read)
        text = base64.b64encode(data).decode()
        return models.BlobChunk(digest=request.digest, size=size, offset=request.offset, data=text)

    async def list(self, _request: Any, _caller: Any) -> models.BlobList:
        """Everything on this disk."""
        stock = await self._engine.keeping.look()
        rows = [
            models.BlobRow(digest=blob.digest, size=blob.size, used=blob.used, kept=stock.kept.get(blob.digest, ""))
            for blob in sorted(stock.held, key=lambda blob: (-blob.used, blob.digest))
        ]
        return models.BlobList(stats=_stats(stock), blobs=rows, missing=stock.missing)

    async def stats(self, _request: Any, _caller: Any) -> models.BlobStats:
        """In figures."""
        return _stats(await self._engine.keeping.look())

    async def holders(self, request: models.NameBlob, _caller: Any) -> models.BlobHolders:
        """Asks every member in reach."""
        engine = self._engine
        found = await engine.blobs.holders(request.digest)
        should = blob_rules.keepers(request.digest, engine.control.members)
        return models.BlobHolders(
            digest=request.digest, here=engine.blobs.has(request.digest), holders=found,
            names=[engine.control.name(peer) for peer in found], should=[engine.control.name(peer) for peer in should],
        )  # fmt: skip

    async def pin(self, request: models.PinBlob, _caller: Any) -> models.BlobStats:
        """Fetches it when it is not here. Letting go of it does not remove it."""
        if request.keep:
            await self._engine.blobs.path(request.digest)
        self._engine.keeping.pin(request.digest, keep=request.keep)
        return _stats(await self._engine.keeping.look())


def _stats(stock: Stock) -> models.BlobStats:
    kept = [blob for blob in stock.held if blob.digest in stock.kept]
    return models.BlobStats(
        count=len(stock.held), bytes=stock.bytes, kept=len(kept), kept_bytes=stock.kept_bytes, missing=len(stock.missing),
        quota=stock.quota,
    )  # fmt: skip
