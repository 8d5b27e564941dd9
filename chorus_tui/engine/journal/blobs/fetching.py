"""One blob from several holders in turn: hashed while it streams, resumed after a cut, whoever it was cut from."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import structlog
import trio

from chorus_tui.engine.journal.blobs.exchange import Exchange
from chorus_tui.engine.journal.blobs.files import BlobFiles, Partial
from chorus_tui.engine.journal.interface import BlobMissing
from chorus_tui.engine.mesh.interface import MeshError
from chorus_tui.engine.protocol.canonical import WireError

log = structlog.get_logger("chorus.blobs")


class Fetching:
    """Fetches; two that want the same blob fetch it once."""

    def __init__(self, files: BlobFiles, exchange: Exchange) -> None:
        self._files = files
        self._exchange = exchange
        self._running: dict[str, trio.Lock] = {}

    async def fetch(self, digest: str, sources: Iterable[str], sizes: Collection[int] | None = None) -> None:
        """Returns when the blob is here. One of another size than ``sizes`` is not taken. Raises :class:`BlobMissing`."""
        lock = self._running.setdefault(digest, trio.Lock())
        try:
            async with lock:
                if not self._files.has(digest):
                    await self._in_turn(digest, list(sources), sizes)
        except OSError as error:
            why = f"{digest} cannot be written here: {error.strerror}. Free some space or lower CHORUS_BLOB_QUOTA_MB."
            raise BlobMissing(why) from error
        finally:
            if not lock.statistics().tasks_waiting and not lock.locked():
                self._running.pop(digest, None)

    async def _in_turn(self, digest: str, sources: list[str], sizes: Collection[int] | None) -> None:
        part = await trio.to_thread.run_sync(self._files.partial, digest)
        try:
            for peer in sources:
                try:
                    if await self._from(peer, part, sizes):
                        return
                except (MeshError, WireError, trio.TooSlowError) as error:
                    log.debug("A peer did not give a blob", peer=peer, digest=digest, error=str(error))
        finally:
            part.close()
        raise BlobMissing(
            f"No reachable peer holds {digest}; asked {len(sources)}. It may come when more peers are there."
        )

    async def _from(self, peer: str, part: Partial, sizes: Collection[int] | None) -> bool:
        """A flat hash does not tell which holder's part was wrong: only who gave all of it is told to have lied."""
        alone = part.size == 0
        if not await self._exchange.get(peer, part, sizes):
            return False
        if await trio.to_thread.run_sync(part.finish):
            return True
        if alone:
            log.warning("A peer gave bytes that do not have the hash it was asked for", peer=peer, digest=part.digest)
            return False
        return await self._from(peer, part, sizes)
