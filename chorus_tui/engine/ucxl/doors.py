"""What callers can ask of contents. Every error is a problem with its UCXL code."""

from __future__ import annotations

import base64
import functools
import mimetypes
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from chorus_tui.contract import ucxl
from chorus_tui.contract.models import ucxl as models
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.contract.ucxl import Address, InvalidAddress, Temporal
from chorus_tui.engine.behalf import person_of
from chorus_tui.engine.carried_bytes import decoded
from chorus_tui.engine.journal.interface import BlobMissing
from chorus_tui.engine.ucxl import rules
from chorus_tui.engine.ucxl.difference import MOST_TEXT, compare
from chorus_tui.engine.ucxl.interface import ContentError, OutOfBounds, Several, Unavailable, Version
from chorus_tui.engine.ucxl.search import Search
from chorus_tui.engine.ucxl.storing import Draft, as_text

if TYPE_CHECKING:
    from chorus_tui.engine.ucxl.service import UcxlService

Handler = Callable[[Any, Any], Awaitable[Any]]

SMALL_TEXT = 8 * 1024
"""Characters that are compared at once; more goes to a thread."""
TYPES = mimetypes.MimeTypes(filenames=())
"""The library's own table: the same on every machine."""
TITLES = {
    300: "The address means several things", 403: "The content cannot be read or written here", 404: "There is no such content",
    409: "It was written meanwhile", 410: "The content was removed", 422: "It cannot be stored so",
    503: "Nobody in reach has the content",
}  # fmt: skip


class Doors:
    """Of one peer."""

    def __init__(self, service: UcxlService) -> None:
        self._service = service
        self._search = Search(service.parts, service.book, service.fetching, service.views)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        found: dict[str, Handler] = {
            "ucxl.get": self.get, "ucxl.stored": self.stored, "ucxl.put": self.put, "ucxl.remove": self.remove,
            "ucxl.history": self.history, "ucxl.diff": self.diff, "ucxl.search": self.search, "ucxl.places": self.places,
            "ucxl.tree": self.tree, "ucxl.navigate": self.navigate, "ucxl.announce": self.announce, "ucxl.discover": self.discover,
        }  # fmt: skip
        return {name: _telling(handler) for name, handler in found.items()}

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, request: models.AddressRef, _caller: Any) -> models.Content:
        """In clear."""
        version, data = await self._service.get(ucxl.parse(request.address))
        return self._content(version, data)

    async def stored(self, request: models.AddressRef, _caller: Any) -> models.Content:
        """As stored: an age file when it is sealed."""
        version, data = await self._service.stored(ucxl.parse(request.address))
        return self._content(version, data)

    def _content(self, version: Version, data: bytes) -> models.Content:
        newest = self._service.book.heads(version.place)
        return models.Content(version=self._row(version), data=base64.b64encode(data).decode(), newest=newest)

    def _row(self, version: Version) -> models.VersionRow:
        return self._service.views.version(version)

    async def history(self, request: models.ListVersions, _caller: Any) -> models.History:
        """All versions."""
        version = self._service.find(ucxl.parse(request.address).of(ucxl.LATEST))
        return models.History(place=version.place, versions=self._service.views.history(version.place))

    async def diff(self, request: models.DiffContent, _caller: Any) -> models.Diff:
        """Between two versions, whichever of one or of two places."""
        address = self._service.concrete(ucxl.parse(request.address))
        after = rules.readable(self._service.find(address))
        other = ucxl.parse(request.against) if request.against else address.of(Temporal("version", max(1, after.n - 1)))
        before = rules.readable(self._service.find(other))
        contents = [await self._service.fetching.clear(version) for version in (before, after)]
        one, two = (as_text(content) for content in contents)
        rows = [self._row(version) for version in (before, after)]
        names, equal = (rows[0].address, rows[1].address), contents[0] == contents[1]
        if max(len(one or ""), len(two or "")) <= SMALL_TEXT:
            found = compare(one, two, names, equal=equal)
        else:
            found = await trio.to_thread.run_sync(functools.partial(compare, one, two, names, equal=equal))
        shown = one is not None and two is not None and max(len(one), len(two)) <= MOST_TEXT
        return models.Diff(
            before=rows[0], after=rows[1], equal=found.equal, lines=found.lines, cut=found.cut, note=found.note,
            texts=[one or "", two or ""] if shown else [],
        )  # fmt: skip

    async def search(self, request: models.SearchContent, _caller: Any) -> models.Hits:
        """By address, by text, or by both."""
        pattern = ucxl.parse(request.pattern) if request.pattern else None
        return await self._search.find(pattern, request.text, request.limit)

    async def places(self, request: models.ListPlaces, _caller: Any) -> models.PlaceList:
        """Changed last first."""
        return self._service.views.places(request.limit)

    async def tree(self, request: models.ReadTree, _caller: Any) -> models.Tree:
        """One level."""
        return self._service.views.tree(request.under)

    async def navigate(self, request: models.Navigate, _caller: Any) -> models.NavigationStep:
        """A step, or why there is none; what is out of bounds is an answer, not a problem."""
        address = self._service.concrete(ucxl.parse(request.address))
        versions = self._service.versions_of(address.place)
        current = rules.pick(versions, address.temporal, address.place)
        to, error = current, ""
        try:
            to = self._stepped(request, address, current, versions)
        except OutOfBounds as out:
            error = str(out)
        return models.NavigationStep(
            place=address.place, from_version=current.n, to_version=to.n, maximum=len(versions), operation=request.operation,
            timestamp=self._service.parts.clock.wall(), success=not error, error=error, version=self._row(to),
        )  # fmt: skip

    def _stepped(
        self, request: models.Navigate, address: Address, current: Version, versions: list[Version]
    ) -> Version:
        if request.operation == "at":
            moment = ucxl.parse(f"{ucxl.SCHEME}a:a@a:a/@{request.at}/a").temporal
            return rules.pick(versions, moment, address.place)
        n = rules.stepped(current.n, len(versions), request.operation, request.steps, address.place)
        return versions[n - 1]

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def put(self, request: models.PutContent, caller: Any) -> models.Put:
        """A new version; in the feed when the answer comes."""
        address, parts = ucxl.parse(request.address), self._service.parts
        content = decoded(request.data, "data")
        if request.mine and request.readers:
            raise invalid({"readers": "either name readers, or take those of your own role (mine)"})
        readers = parts.vault.readers_of(parts.me) if request.mine else tuple(request.readers)
        if request.mine and not readers:
            raise invalid({"mine": "this peer is no member yet, so nobody could read it"})
        done = await self._service.storing.put(
            Draft(
                address, content, request.media_type or guessed(address.path, content), readers,
                None if request.parents is None else tuple(request.parents), request.sibling, request.fresh, request.description,
                tuple(request.tags), person_of(parts.kind, caller),
            )
        )  # fmt: skip
        version = self._row(self._service.written(done))
        return models.Put(version=version, redacted=done.redacted, held_by=done.held_by, reachable=done.reachable)

    async def remove(self, request: models.RemoveContent, caller: Any) -> models.Put:
        """A tombstone."""
        address = self._service.concrete(ucxl.parse(request.address))
        done = await self._service.storing.remove(
            address, request.description, person_of(self._service.parts.kind, caller)
        )
        return models.Put(version=self._row(self._service.written(done)))

    # ── who has it ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def announce(self, request: models.AddressRef, _caller: Any) -> models.Sources:
        """Keep it here, and tell."""
        version = rules.readable(self._service.find(ucxl.parse(request.address)))
        try:
            await self._service.holding.announce(version.place, version.digest)
        except BlobMissing as error:
            raise Unavailable(str(error)) from error
        return await self._sources(version)

    async def discover(self, request: models.AddressRef, _caller: Any) -> models.Sources:
        """Who gives its bytes."""
        return await self._sources(rules.readable(self._service.find(ucxl.parse(request.address))))

    async def _sources(self, version: Version) -> models.Sources:
        found = await self._service.holding.discover(version.digest)
        name = self._service.parts.control.name
        sources = [
            models.Source(peer_id=peer, name=name(peer), announced=peer in found.announced) for peer in found.holders
        ]
        return models.Sources(
            version=self._row(version), sources=sources, here=found.here, asked=found.asked, at=found.at
        )


def guessed(path: str, content: bytes) -> str:
    """The media type by the path's ending; else text, or bytes of any kind."""
    found = TYPES.guess_type(path, strict=False)[0] if path.rpartition("/")[2].count(".") else None
    if found:
        return found
    return "text/plain" if as_text(content) is not None else "application/octet-stream"


def as_problem(error: ContentError | InvalidAddress) -> Problem:
    """An error of contents as callers get it; its code says what it is."""
    if isinstance(error, InvalidAddress):
        fields = {error.field: error.message, "raw": error.raw[: ucxl.LONGEST]}
        return Problem(400, error.code, f"The address is not valid ({error.code})", "", fields)
    status = int(error.code.split("-")[1])
    fields = {f"candidate {n}": one for n, one in enumerate(error.candidates, 1)} if isinstance(error, Several) else {}
    detail = str(error).partition("\n")[0] if isinstance(error, Several) else str(error)
    title = TITLES.get(status, "The content cannot be had")
    return Problem(status, error.code, f"{title} ({error.code})", detail, fields)


def _telling(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def told(request: Any, caller: Any) -> Any:
        try:
            return await handler(request, caller)
        except (ContentError, InvalidAddress) as error:
            raise as_problem(error) from error

    return told
