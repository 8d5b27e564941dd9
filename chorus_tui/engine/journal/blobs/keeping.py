"""Follows the rules: fetches what this peer is to keep, and lets go what it need not when the disk share is full.

**Two copies stay.** A blob is let go only when two others vouch for it, and a peer that is about to let a blob go vouches
for it to nobody until it has decided. So however many let go the same blob at once, two stay: of all that let it go, take
the one that began last. The two that vouched for it were not about to let it go after it had begun, and none began later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

import structlog
import trio

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.journal.blobs import rules
from chorus_tui.engine.journal.blobs.exchange import Exchange
from chorus_tui.engine.journal.blobs.fetching import Fetching
from chorus_tui.engine.journal.blobs.files import BlobFiles
from chorus_tui.engine.journal.blobs.rules import Held, Named
from chorus_tui.engine.journal.interface import BlobMissing
from chorus_tui.engine.mesh.interface import Mesh

log = structlog.get_logger("chorus.blobs")

FRESH_S: Final = 600.0
"""What was used within this time is not let go: a result may be about to name it, or somebody is reading it."""
RETRY_S: Final = (30.0, 1800.0)
"""Wait before a blob that nobody could give is asked for again: at first, and at most."""


class Keeping:
    """What this peer holds and may hold; ``quota`` in bytes. ``members`` and ``names`` are what the mesh says, asked anew each time."""

    def __init__(self, mesh: Mesh, files: BlobFiles, clock: Clock, quota: int) -> None:
        self.members: Callable[[], Collection[str]] = frozenset
        self.names: Callable[[], Iterable[Named]] = tuple
        self.held: Callable[[str], bool] = lambda _digest: False
        """Whether a blob is held for a person, and so given to nobody."""
        self.quota = quota
        self._mesh = mesh
        self._files = files
        self._clock = clock
        self._exchange = Exchange(mesh, files, self)
        self._fetching = Fetching(files, self._exchange)
        self._used = 0
        self._leaving: set[str] = set()
        self._letting_go = trio.Lock()
        self._retries: dict[str, tuple[float, float]] = {}

    @property
    def used(self) -> int:
        """Bytes held here, as last counted."""
        return self._used

    # ── what the mesh says ─────────────────────────────────────────────────────────────────────────────────────────

    def in_reach(self, digest: str, first: Collection[str] = ()) -> list[str]:
        """Linked members: those who made the blob, then by rendezvous hash."""
        members = self.members()
        linked = [peer for peer in self._mesh.links() if peer in members]
        return sorted(rules.ranked(digest, linked), key=lambda peer: peer not in first)

    async def pins(self) -> dict[str, list[str]]:
        """Why this peer keeps what: reasons by digest, of what it does not hold yet too."""
        pins: dict[str, list[str]] = {}
        for digest in sorted(await trio.to_thread.run_sync(self._files.pinned)):
            pins[digest] = ["pinned by hand"]
        held = {blob.digest: blob.size for blob in await trio.to_thread.run_sync(self._files.listing)}
        for named in self._to_keep():
            if rules.true_of(named, held.get(named.digest)):
                pins.setdefault(named.digest, []).append(named.why)
        return pins

    def _to_keep(self) -> Iterator[Named]:
        """What this peer is to keep, by what is said of it."""
        members = self.members()
        return (named for named in self.names() if self._mesh.peer_id in rules.keepers(named, members))

    # ── getting ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def fetch(self, digest: str, sizes: Collection[int] | None = None) -> None:
        """From whoever holds it, if it has one of these sizes. Raises :class:`BlobMissing`."""
        makers = frozenset[str]().union(*(named.by for named in self.names() if named.digest == digest))
        await self._fetching.fetch(digest, self.in_reach(digest, makers), sizes)
        self.note(await trio.to_thread.run_sync(self._size, digest))

    def use(self, digest: str) -> bool:
        """Note that a blob is needed; whether it is here, and then it stays for a while."""
        if not self._files.has(digest):
            return False
        self._files.touch(digest, self._clock.wall())
        self._leaving.discard(digest)
        return True

    def note(self, size: int) -> None:
        """So many bytes came onto the disk; the next round counts anew."""
        self._used += size

    def _size(self, digest: str) -> int:
        return self._files.path(digest).stat().st_size

    async def take(self, digest: str, size: int, source: str) -> bool:
        """A member asks this peer to keep one: yes while there is room."""
        if self.use(digest):
            return await self.vouch(digest)
        if not await self.make_room(size):
            log.info("No room for a blob that a member wants kept", digest=digest, size_bytes=size, peer=source)
            return False
        try:
            await self._fetching.fetch(digest, [source], {size})
        except BlobMissing as error:
            log.debug("Could not keep a blob", error=str(error))
            return False
        self.note(size)
        return True

    async def fetch_due(self) -> None:
        """Everything this peer is to keep and does not hold, newest first, while there is room."""
        held = {blob.digest for blob in await trio.to_thread.run_sync(self._files.listing)}
        said: dict[str, set[int | None]] = {}
        for named in self._to_keep():
            said.setdefault(named.digest, set()).add(named.size)
        for digest in reversed(list(await self.pins())):
            wait, after = self._retries.get(digest, (RETRY_S[0], 0.0))
            sizes = {size for size in said.get(digest, ()) if size is not None}
            if digest in held or self._clock.monotonic() < after or not await self.make_room(max(sizes, default=0)):
                continue
            try:
                await self.fetch(digest, sizes if sizes == said.get(digest) else None)
            except BlobMissing as error:
                log.debug("A blob that is to be kept here cannot be had now", error=str(error))
                self._retries[digest] = (min(2 * wait, RETRY_S[1]), self._clock.monotonic() + wait)
            else:
                self._retries.pop(digest, None)

    async def count(self) -> None:
        """Look how much is on the disk."""
        self._used = sum(blob.size for blob in await trio.to_thread.run_sync(self._files.listing))

    # ── vouching and letting go ────────────────────────────────────────────────────────────────────────────────────

    async def vouch(self, digest: str) -> bool:
        """Whether it is held here, its bytes read just now, and nothing is about to change that."""
        sound = await trio.to_thread.run_sync(self._files.sound, digest)
        return sound and not self.held(digest) and digest not in self._leaving and self._files.has(digest)

    async def holders(self, digest: str) -> list[str]:
        """Members in reach that vouch for a blob now."""
        found: list[str] = []

        async def ask(peer: str) -> None:
            if await self._exchange.vouched(peer, digest):
                found.append(peer)

        async with trio.open_nursery() as nursery:
            for peer in self.in_reach(digest):
                nursery.start_soon(ask, peer)
        return sorted(found)

    async def offer(self, peer: str, digests: Iterable[str]) -> bool:
        """Ask a peer to keep blobs; whether it holds all of them now."""
        for digest in digests:
            if not await self._exchange.keep(peer, digest, self._size(digest)):
                return False
        return True

    async def make_room(self, size: int) -> bool:
        """Whether ``size`` more bytes fit this peer's share of the disk, after letting go what may go."""
        if self._used + size <= self.quota:
            return True
        async with self._letting_go:
            held = await trio.to_thread.run_sync(self._files.listing)
            self._used = sum(blob.size for blob in held)
            if self._used + size > self.quota:
                for blob in rules.may_go(held, await self.pins(), self._clock.wall() - FRESH_S):
                    if self._used + size <= self.quota:
                        break
                    await self._let_go(blob)
        return self._used + size <= self.quota

    async def _let_go(self, blob: Held) -> None:
        self._leaving.add(blob.digest)
        try:
            holders = await self.holders(blob.digest)
            if len(holders) >= rules.CONFIRMATIONS and blob.digest in self._leaving:
                self._files.remove(blob.digest)
                self._used -= blob.size
                log.info(
                    "Let go of a blob that others hold", digest=blob.digest, size_bytes=blob.size, held_by=len(holders)
                )
        finally:
            self._leaving.discard(blob.digest)

    async def pin(self, digest: str, wanted: bool) -> None:
        """Pin by hand, or take the pin away. Raises :class:`BlobMissing` when it is not here and cannot be had."""
        await trio.to_thread.run_sync(self._files.pin, digest, wanted)
        if wanted and not self.use(digest):
            await self.fetch(digest)
