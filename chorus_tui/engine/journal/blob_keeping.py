"""Keeping blobs: brings what this peer must keep, and lets go what others keep when room is short.

The rules are in :mod:`blob_rules`. What blobs are for is said by the features, through :meth:`Keeping.claimed_by`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import trio

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.journal import blob_rules
from chorus_tui.engine.journal.blob_rules import Claim, Held, Promises
from chorus_tui.engine.journal.blobs import FileBlobs
from chorus_tui.engine.journal.interface import BlobMissing

log = structlog.get_logger("chorus.blobs.keeping")

ROUND_S = 20.0
BY_HAND = "kept by hand"


@dataclass(frozen=True, slots=True)
class Stock:
    """What is on this disk, and what of it stays whatever happens. ``missing``: kept, but not here yet."""

    held: list[Held]
    kept: dict[str, str]
    missing: list[str]
    quota: int

    @property
    def bytes(self) -> int:
        """All bytes."""
        return sum(blob.size for blob in self.held)

    @property
    def kept_bytes(self) -> int:
        """Bytes that do not go."""
        return sum(blob.size for blob in self.held if blob.digest in self.kept)


class Keeping:
    """Runs on every peer. ``quota`` in bytes; 0 means no limit. ``members`` tells the peer ids of the present mesh."""

    def __init__(self, me: str, blobs: FileBlobs, clock: Clock, quota: int, members: Callable[[], list[str]]) -> None:
        self._me = me
        self._blobs = blobs
        self._clock = clock
        self._quota = quota
        self._members = members
        self._claims: list[Callable[[], Iterable[Claim]]] = []
        self._promises = Promises()
        self._by_hand = _Pins(blobs.store.folder / "pins")
        self._wake = trio.Event()
        self.stock = Stock([], {}, [], quota)
        """As of the last round."""
        blobs.promise = lambda digest: self._promises.make(digest, clock.monotonic())
        blobs.takes = self._takes

    def claimed_by(self, claims: Callable[[], Iterable[Claim]]) -> None:
        """Register what names blobs."""
        self._claims.append(claims)

    def nudge(self) -> None:
        """Something new names blobs: look soon."""
        self._wake.set()

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        task_status.started()
        while True:
            await self.round()
            with trio.move_on_after(ROUND_S):
                await self._wake.wait()
            self._wake = trio.Event()

    async def round(self) -> None:
        """Fetch what is to be kept, then make room."""
        await self.look()
        for digest in self.stock.missing:
            try:
                await self._blobs.path(digest)
            except BlobMissing as error:
                log.debug("A blob to keep is not to be had now", error=str(error))
        if self.stock.missing:
            await self.look()
        if self._quota:
            await self._make_room()

    async def look(self) -> Stock:
        """What is here now."""
        held = await trio.to_thread.run_sync(self._blobs.store.held)
        here = {blob.digest for blob in held}
        kept = self._kept()
        self.stock = Stock(held, kept, sorted(kept.keys() - here), self._quota)
        return self.stock

    def pin(self, digest: str, *, keep: bool) -> None:
        """Keep a blob whatever the room, or no longer."""
        self._by_hand.set(digest, keep=keep)
        self.nudge()

    def _all_claims(self) -> list[Claim]:
        return [claim for claims in self._claims for claim in claims()]

    def _kept(self) -> dict[str, str]:
        kept = blob_rules.pinned(self._all_claims(), self._me, self._members())
        return dict.fromkeys(self._by_hand.digests, BY_HAND) | kept

    def _takes(self, digest: str) -> bool:
        """Over the quota only what this peer has to keep is taken in for others."""
        return not self._quota or self.stock.bytes < self._quota or digest in self._kept()

    async def _make_room(self) -> None:
        going = blob_rules.to_evict(self.stock.held, self.stock.kept, self._quota)
        named = {claim.digest for claim in self._all_claims()} if going else set()
        for blob in going:
            old = self._clock.wall() - blob.used > blob_rules.ORPHAN_S
            if blob.digest not in named and old:
                self._drop(blob, "nothing names it")
            elif not self._promises.bound(blob.digest, self._clock.monotonic()):
                await self._evict(blob)
        if going:
            await self.look()

    async def _evict(self, blob: Held) -> None:
        asked_at = self._clock.monotonic()
        holders = await self._blobs.holders(blob.digest, rely=True)
        # No wait between this look and the end of the file: meanwhile nobody can be told that it is here.
        if blob.digest not in self._kept() and self._promises.may_go(
            blob.digest, asked_at, holders, self._clock.monotonic()
        ):
            self._drop(blob, f"{len(holders)} others hold it")

    def _drop(self, blob: Held, why: str) -> None:
        self._blobs.store.drop(blob.digest)
        log.info("♻️ A blob went to make room", digest=blob.digest, size=blob.size, why=why)


class _Pins:
    """Digests that a person keeps, a line each, in a file that is replaced as a whole."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.digests: set[str] = set(file.read_text().split()) if file.exists() else set()

    def set(self, digest: str, *, keep: bool) -> None:
        """Add or remove one, on disk when this returns."""
        (self.digests.add if keep else self.digests.discard)(digest)
        with tempfile.NamedTemporaryFile("w", dir=self._file.parent, delete=False) as fresh:
            fresh.write("".join(f"{digest}\n" for digest in sorted(self.digests)))
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(fresh.name).replace(self._file)
