"""Blobs as the features see them; see :class:`chorus_tui.engine.journal.interface.Blobs`."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from chorus_tui.contract.models import blobs as models
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.journal.blobs.files import BlobFiles
from chorus_tui.engine.journal.blobs.holding import Holding
from chorus_tui.engine.journal.blobs.keeping import Keeping
from chorus_tui.engine.journal.interface import BlobHeld, BlobInfo, BlobMissing, Copies
from chorus_tui.engine.mesh.interface import Mesh

TEND_S: Final = 15.0
"""How often this peer looks for what it should hold, and for what it need not."""


class FileBlobs:
    """Blobs of this peer, in files below ``folder``; ``quota`` in bytes."""

    def __init__(self, folder: Path, mesh: Mesh, clock: Clock, entropy: Entropy, quota: int) -> None:
        self._files = BlobFiles(folder)
        self._clock = clock
        self._entropy = entropy
        self.keeping = Keeping(mesh, self._files, clock, quota)
        self.holding = Holding(folder / "held", clock.wall)
        self.keeping.held = self.holding.held

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Keep what is to be kept, until cancelled."""
        await trio.to_thread.run_sync(self._files.clean, self._clock.wall())
        task_status.started()
        while True:
            await self.keeping.count()
            await self.keeping.fetch_due()
            await self.keeping.make_room(0)
            await trio.sleep(TEND_S * self._entropy.uniform(0.8, 1.2))

    # ── in and out ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def put_bytes(self, data: bytes) -> BlobInfo:
        return await self._put(partial(self._files.keep, [data]))

    async def put_file(self, path: Path) -> BlobInfo:
        return await self._put(partial(self._files.copy, path))

    async def _put(self, write: Callable[[], BlobInfo]) -> BlobInfo:
        """Never refused for the quota: what is made here has to go somewhere. The next round makes room."""
        info = await trio.to_thread.run_sync(write)
        self.keeping.note(info.size)
        await self.holding.look(info.digest, self._files.path(info.digest))
        return info

    def has(self, digest: str) -> bool:
        return self._files.has(digest)

    async def path(self, digest: str, size: int | None = None) -> Path:
        if self.holding.held(digest):
            raise BlobHeld(
                f"{digest} is held, because it holds what looks like a secret; 'chorus-tui shhh held' says more"
            )
        if not self.keeping.use(digest):
            await self.keeping.fetch(digest, None if size is None else {size})
        return self._files.path(digest)

    async def shown(self, digest: str) -> Path:
        path = await self.path(digest)
        await self.holding.look(digest, path)
        return await self.path(digest)

    async def digests(self) -> list[str]:
        """All that are here."""
        return sorted(blob.digest for blob in await trio.to_thread.run_sync(self._files.listing))

    async def look_again(self, digest: str) -> bool:
        """Scan one anew; whether it is held now. False for what has gone meanwhile."""
        try:
            return await self.holding.look(digest, self._files.path(digest), anew=True)
        except FileNotFoundError:
            return False

    async def sound(self, digest: str) -> bool:
        return await trio.to_thread.run_sync(self._files.sound, digest)

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> Copies:
        free = [digest for digest in digests if not self.holding.held(digest)]
        waiting = deque(self.keeping.in_reach(free[0] if free else ""))
        reachable, holders = len(waiting), set[str]()

        async def next_one(done: trio.CancelScope) -> None:
            while waiting:
                peer = waiting.popleft()
                if await self.keeping.offer(peer, free):
                    holders.add(peer)
                    if len(holders) >= copies:
                        done.cancel()

        if free:
            with trio.move_on_after(wait_s):
                async with trio.open_nursery() as nursery:
                    for _ in range(copies + 1):
                        nursery.start_soon(next_one, nursery.cancel_scope)
        return Copies(len(holders) if free == digests else 0, reachable)

    # ── for people ─────────────────────────────────────────────────────────────────────────────────────────────────

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "blobs.list": self.list_blobs, "blobs.stats": self.stats,
            "blobs.pin": partial(self._pin, wanted=True), "blobs.unpin": partial(self._pin, wanted=False),
        }  # fmt: skip

    async def list_blobs(self, request: models.ListBlobs, _caller: Any) -> models.BlobList:
        """What is held here, last used first."""
        held = await trio.to_thread.run_sync(self._files.listing)
        pins = await self.keeping.pins()
        held.sort(key=lambda blob: (-blob.used, blob.digest))
        rows = [
            models.BlobRow(digest=blob.digest, size=blob.size, used_at=blob.used, pinned=pins.get(blob.digest, []))
            for blob in held[: request.limit]
        ]
        return models.BlobList(blobs=rows, total=len(held))

    async def stats(self, _request: Any = None, _caller: Any = None) -> models.BlobStats:
        """How much is held, how much of it is pinned, and what is missing."""
        held = await trio.to_thread.run_sync(self._files.listing)
        pins = await self.keeping.pins()
        pinned = [blob for blob in held if blob.digest in pins]
        size, pinned_size = sum(blob.size for blob in held), sum(blob.size for blob in pinned)
        return models.BlobStats(
            blobs=len(held), bytes=size, quota=self.keeping.quota, pinned=len(pinned), pinned_bytes=pinned_size,
            missing=len(pins.keys() - {blob.digest for blob in held}),
        )  # fmt: skip

    async def holders(self, request: models.BlobRef) -> models.BlobHolders:
        """Who vouches for it now, besides this peer, by peer id."""
        peers = await self.keeping.holders(request.digest)
        return models.BlobHolders(
            digest=request.digest, held_here=await self.keeping.vouch(request.digest), holders=peers,
            asked=len(self.keeping.in_reach(request.digest)),
        )  # fmt: skip

    async def _pin(self, request: models.BlobRef, _caller: Any, *, wanted: bool) -> models.BlobRow:
        await self.keeping.pin(request.digest, wanted)
        pins = await self.keeping.pins()
        try:
            stat = self._files.path(request.digest).stat()
        except FileNotFoundError:
            raise BlobMissing(f"{request.digest} is not held here, so there was no pin to take away.") from None
        return models.BlobRow(
            digest=request.digest, size=stat.st_size, used_at=stat.st_mtime, pinned=pins.get(request.digest, [])
        )
