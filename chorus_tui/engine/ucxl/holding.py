"""Who holds the bytes of a version: asked now, heard lately, remembered for a little while."""

from __future__ import annotations

from dataclasses import dataclass

from chorus_tui.contract.models.blobs import BlobHolders
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.ucxl import UcxlHolding
from chorus_tui.engine.ucxl.parts import Parts

TTL_S = 30.0
"""So long an answer, and an announcement, counts."""
MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Sources:
    """Peers that vouch for a blob, without duplicates; ``announced``: those that said so lately and were not asked since.
    ``at`` is the wall time of the answer, ``asked`` how many members were in reach then."""

    holders: tuple[str, ...]
    announced: tuple[str, ...]
    here: bool
    asked: int
    at: float


class Holding:
    """Of one peer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._announced: dict[str, dict[str, float]] = {}
        self._asked: dict[str, tuple[float, float, BlobHolders]] = {}
        parts.journal.on_fleeting("ucxl_holding", self._hear)

    async def _hear(self, author: str, message: Message, _topic: str) -> None:
        """A member announces that it keeps a blob."""
        assert isinstance(message, UcxlHolding)
        if message.digest not in self._announced and len(self._announced) >= MOST_REMEMBERED:
            self._announced.pop(next(iter(self._announced)))
        self._announced.setdefault(message.digest, {})[author] = self._parts.clock.monotonic()

    async def announce(self, place: str, digest: str) -> None:
        """Keep it here, whatever else goes, and say so. Raises ``BlobMissing`` when it cannot be had."""
        await self._parts.pin(digest)
        self._asked.pop(digest, None)
        await self._parts.journal.whisper("ucxl_holding", {"place": place, "digest": digest})

    async def discover(self, digest: str) -> Sources:
        """Who vouches for it; asked again when the last answer is older than 30 s."""
        now = self._parts.clock.monotonic()
        known = self._asked.get(digest)
        if known is None or now - known[0] >= TTL_S:
            if len(self._asked) >= MOST_REMEMBERED:
                self._asked.clear()
            known = (now, self._parts.clock.wall(), await self._parts.holders(digest))
            self._asked[digest] = known
        asked, at, answer = known
        said = {peer for peer, when in self._announced.get(digest, {}).items() if asked < when and now - when < TTL_S}
        holders = sorted({*answer.holders, *said})
        return Sources(
            tuple(holders), tuple(sorted(said.difference(answer.holders))), answer.held_here, answer.asked, at
        )
