"""Content under addresses at work: folds what the feeds tell of, writes, reads, and tells clients what changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import structlog
import trio

from chorus_tui.contract.ucxl import Address
from chorus_tui.engine.bell import Bell
from chorus_tui.engine.control.entries import BODY_ERASED
from chorus_tui.engine.control.grants import Grants
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.journal.blobs.rules import Named
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.named import Named as FeedEntry
from chorus_tui.engine.protocol.named import named_entry
from chorus_tui.engine.ucxl import rules
from chorus_tui.engine.ucxl.book import Book
from chorus_tui.engine.ucxl.doors import Doors
from chorus_tui.engine.ucxl.fetching import Fetching
from chorus_tui.engine.ucxl.holding import Holding
from chorus_tui.engine.ucxl.interface import NotFound, Version
from chorus_tui.engine.ucxl.parts import Parts
from chorus_tui.engine.ucxl.rules import Passed, Told
from chorus_tui.engine.ucxl.storing import Draft, Storing, Written
from chorus_tui.engine.ucxl.views import Views

log = structlog.get_logger("chorus.ucxl")

PAUSE_S = 0.1


class UcxlService:
    """Of one peer; implements :class:`chorus_tui.engine.ucxl.interface.Contents`."""

    types = Book.types

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        grants = Grants()
        self.book = Book(self._heard, grants.could_propose, self._stands)
        self.storing = Storing(parts, self.book)
        self.fetching = Fetching(parts)
        self.holding = Holding(parts)
        self.views = Views(parts, self.book)
        self.doors = Doors(self)
        self._changed: dict[str, None] = {}
        self._shown: set[str] = set()
        self._tick = Bell()
        self._live = False
        parts.journal.fold(self)
        parts.control.fold(_Erased(self.book))
        parts.control.fold(grants)
        grants.on_change = self._granted

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        self._touch([self.book.apply(entry, message)])

    def _granted(self) -> None:
        self._touch(self.book.granted())

    def _touch(self, places: list[str]) -> None:
        if self._live and any(places):
            self._changed.update(dict.fromkeys(filter(None, places)))
            self._tick.ring()

    def reset(self) -> None:
        """The journal's fold begins anew: a version was erased, or stands behind a fork."""
        self.book.reset()
        self._changed.update(dict.fromkeys(self._shown))
        self._tick.ring()

    def _heard(self) -> Passed:
        """A member's later entries come later than a version when it has said something later already, all of which is here, or
        when it has held the version before it said them."""
        journal, now = self.parts.journal, self.parts.clock.wall() * 1000
        heard = {
            peer_id: journal.heard_of(peer_id) for peer_id in self.parts.control.members if peer_id != self.parts.me
        }

        def passed(told: Told) -> bool:
            for peer_id, last in heard.items():
                if last is None:
                    return False
                # A clock does not follow one that is far ahead of its own.
                if last <= told.at and not (told.at[0] <= now and journal.knew(peer_id, told.key_in_feed)):
                    return False
            return True

        return passed

    def _stands(self, named: FeedEntry) -> bool:
        author, epoch, seq, hash_ = named
        entry = self.parts.journal.get(author, epoch, seq)
        return entry is not None and entry.hash == hash_

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Tell clients which places changed, until cancelled; the folds were replayed before."""
        self._live = True
        self._shown.update(self.book.places())
        task_status.started()
        while True:
            await self._tick.rung(apart=PAUSE_S)
            changed, self._changed = self._changed, {}
            for place in changed:
                self._publish(place)

    def _publish(self, place: str) -> None:
        row = self.views.place(place)
        if row is not None:
            self._shown.add(place)
        else:
            self._shown.discard(place)
        self.parts.events.publish("places", place, None if row is None else row.model_dump())

    def named_blobs(self) -> Iterator[Named]:
        """Bytes of every version are kept: small ones by all, bigger ones by their author and some others."""
        for told in self.book.all_told():
            if not told.said.tombstone:
                why = f"version of {told.said.place}"
                yield Named(told.said.digest, told.said.size, frozenset({told.author}), record=True, why=why)

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        return self.doors.handlers()

    # ── contents ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def put(
        self, address: Address, content: bytes, *, media_type: str = "text/plain", readers: Sequence[str] = (),
        parents: Sequence[str] | None = None, description: str = "", tags: Sequence[str] = (),
    ) -> Version:  # fmt: skip
        """See :class:`chorus_tui.engine.ucxl.interface.Contents`; with ``parents`` it is written whatever else there is."""
        draft = Draft(
            address, content, media_type, tuple(readers), None if parents is None else tuple(parents), sibling=True,
            description=description, tags=tuple(tags),
        )  # fmt: skip
        return self.written(await self.storing.put(draft))

    def written(self, done: Written) -> Version:
        """The version that an own entry tells of. It is known here before it was gossiped."""
        place = str(done.entry.data["place"])
        for version in self.versions_of(place):
            if version.entry == done.entry.hash:
                return version
        raise NotFound(f"The version of {place} that was just written was erased, or its feed forked")

    async def get(self, address: Address) -> tuple[Version, bytes]:
        version = rules.readable(self.find(address))
        return version, self._still_there(version, await self.fetching.clear(version))

    async def stored(self, address: Address) -> tuple[Version, bytes]:
        version = rules.readable(self.find(address))
        return version, self._still_there(version, await self.fetching.stored(version))

    def _still_there(self, version: Version, content: bytes) -> bytes:
        """Content, unless its version was taken back while it was fetched. Raises :class:`NotFound`."""
        if version.entry not in {told.entry for told in self.book.order(version.place)}:
            raise NotFound(
                f"Version {version.n} of {version.place} was erased just now, or its author's feed forked before it"
            )
        return content

    def versions(self, address: Address) -> list[Version]:
        return self.versions_of(self.concrete(address).place)

    def versions_of(self, place: str) -> list[Version]:
        """All versions of a place, the first one first."""
        return self.book.versions(place)

    def find(self, address: Address) -> Version:
        """The version that an address means; it may be a tombstone. Raises :class:`NotFound`, :class:`~.interface.Several`."""
        found = self.concrete(address)
        return rules.pick(self.versions_of(found.place), found.temporal, found.place)

    def concrete(self, address: Address) -> Address:
        """An address, or the one thing that its wildcards mean here: what was removed only when nothing else fits."""
        if address.concrete:
            return address
        fitting = [(place, one) for place, one in self.book.places().items() if address.covers(one)]
        live = [one for place, one in fitting if self.book.live(place)]
        return rules.one_of(address, live or [one for _, one in fitting])


class _Erased:
    """A fold over control logs: which entries will never come again."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def apply(self, entry: ControlEntry) -> None:
        if entry.type == BODY_ERASED and (named := named_entry(entry.data)) is not None:
            self._book.erase(named)
