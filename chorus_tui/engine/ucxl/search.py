"""Looking through contents that this peer can open: bounded in bytes and in time, and saying so when that was not enough."""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from chorus_tui.contract.models import ucxl as models
from chorus_tui.contract.ucxl import Address
from chorus_tui.engine.ucxl import rules
from chorus_tui.engine.ucxl.book import Book, version
from chorus_tui.engine.ucxl.fetching import Fetching
from chorus_tui.engine.ucxl.interface import ContentError, Forbidden
from chorus_tui.engine.ucxl.parts import Parts
from chorus_tui.engine.ucxl.rules import Told
from chorus_tui.engine.ucxl.storing import as_text
from chorus_tui.engine.ucxl.views import Views

MOST_BYTES = 64 * 1024 * 1024
MOST_S = 5.0
SNIPPET = 160


@dataclass(slots=True)
class _Left:
    """What was not looked through, and why."""

    sealed: int = 0
    absent: int = 0
    late: int = 0
    more: int = 0
    reasons: list[str] = field(default_factory=list)

    def told(self) -> str:
        parts = [
            (self.sealed, "sealed to others"), (self.absent, "whose bytes are not here"),
            (self.late, f"not looked through: {MOST_S:.0f} s or {MOST_BYTES // 2**20} MiB were used up"),
            (self.more, "more than were asked for"),
        ]  # fmt: skip
        return "; ".join(f"{count} {words}" for count, words in parts if count)


class Search:
    """Of one peer."""

    def __init__(self, parts: Parts, book: Book, fetching: Fetching, views: Views) -> None:
        self._parts = parts
        self._book = book
        self._fetching = fetching
        self._views = views

    async def find(self, pattern: Address | None, text: str, limit: int) -> models.Hits:
        """Places that have content, fit, and hold ``text`` in any case of letters; the one changed last first."""
        places = [
            (told.at, place) for place, address in self._book.places().items()
            if (told := self._book.last(place)) is not None and not told.said.tombstone
            and (pattern is None or rules.under(address, pattern))
        ]  # fmt: skip
        wanted, left, hits = text.casefold(), _Left(), list[models.Hit]()
        ends, budget, looked = self._parts.clock.monotonic() + MOST_S, MOST_BYTES, 0
        for _, place in sorted(places, reverse=True):
            if len(hits) >= limit:
                left.more += 1
                continue
            if not wanted:
                hits += self._hit(place)
                continue
            # What is read from the disk in a moment gives nobody else a turn.
            await trio.lowlevel.checkpoint()
            told = self._book.last(place)
            if told is None:
                continue  # taken back meanwhile
            if told.said.size > budget or self._parts.clock.monotonic() > ends:
                left.late += 1
                continue
            found, read = await self._read(place, told, left)
            budget, looked = budget - read, looked + 1
            hits += [] if found is None else self._hits_in(place, found, wanted)
        if not wanted:
            left.more, looked = max(0, len(places) - limit), len(places)
        return models.Hits(hits=hits, looked_at=looked, cut=left.told())

    async def _read(self, place: str, told: Told, left: _Left) -> tuple[str | None, int]:
        """What it says, and how many bytes were read for it; None when that is no text, or cannot be read here. Nothing is fetched
        for a search."""
        one = version(told, len(self._book.order(place)), settled=False)
        stored = await self._fetching.held(one)
        if stored is None:
            left.absent += 1
            return None, 0
        try:
            return as_text(await self._fetching.opened(one, stored)), len(stored)
        except Forbidden:
            left.sealed += 1
        except ContentError:
            left.absent += 1
        return None, len(stored)

    def _hits_in(self, place: str, content: str, wanted: str) -> list[models.Hit]:
        for number, line in enumerate(content.splitlines(), 1):
            at = line.casefold().find(wanted)
            if at >= 0:
                start = max(0, at - SNIPPET // 4)
                return self._hit(place, number, line[start : start + SNIPPET])
        return []

    def _hit(self, place: str, line: int = 0, snippet: str = "") -> list[models.Hit]:
        """None when it was taken back meanwhile."""
        row = self._views.place(place)
        return [] if row is None else [models.Hit(row=row, line=line, snippet=snippet)]
