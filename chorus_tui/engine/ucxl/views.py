"""What callers are shown of places and versions."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from chorus_tui.contract import ucxl
from chorus_tui.contract.models import ucxl as models
from chorus_tui.contract.ucxl import Temporal
from chorus_tui.engine.ucxl.book import Book
from chorus_tui.engine.ucxl.interface import Version
from chorus_tui.engine.ucxl.parts import Parts
from chorus_tui.engine.ucxl.rules import Told

KINDS = ("project", "agent", "role", "task")


class Views:
    """Of one peer."""

    def __init__(self, parts: Parts, book: Book) -> None:
        self._parts = parts
        self._book = book

    def version(self, version: Version) -> models.VersionRow:
        """One version. It may have been taken back since it was found; then it is shown as it was."""
        return self._version(version, self._numbered(version.place))

    def history(self, place: str) -> list[models.VersionRow]:
        """All versions of a place."""
        numbered = self._numbered(place)
        return [self._version(version, numbered) for version in self._book.versions(place)]

    def _numbered(self, place: str) -> dict[str, tuple[int, Told]]:
        """Versions of a place by their entries."""
        return {told.entry: (n, told) for n, told in enumerate(self._book.order(place), 1)}

    def _version(self, version: Version, numbered: dict[str, tuple[int, Told]]) -> models.VersionRow:
        address = ucxl.parse(version.place).of(Temporal("version", version.n))
        person = numbered[version.entry][1].said.on_behalf_of if version.entry in numbered else ""
        beside = [numbered[entry][0] for entry in version.siblings if entry in numbered]
        return models.VersionRow(
            address=str(address), place=version.place, n=version.n, settled=version.settled, entry=version.entry, author=version.author,
            author_name=self._parts.control.name(version.author), on_behalf_of=person, at=version.at_ms / 1000,
            digest=version.digest, size=version.size, media_type=version.media_type, readers=list(version.readers),
            parents=list(version.parents), siblings=beside, sibling_count=version.sibling_count, tombstone=version.tombstone,
            description=version.description, tags=list(version.tags),
        )  # fmt: skip

    def place(self, place: str) -> models.PlaceRow | None:
        """One place by its latest version; None when nothing is known of it."""
        last = self._book.last(place)
        if last is None:
            return None
        return models.PlaceRow(
            place=place, versions=len(self._book.order(place)), entry=last.entry, author_name=self._parts.control.name(last.author),
            at=last.at[0] / 1000, media_type=last.said.media_type, size=last.said.size, sealed=bool(last.said.readers),
            tombstone=last.said.tombstone, siblings=len(self._book.heads(place)) - 1,
        )  # fmt: skip

    def places(self, limit: int) -> models.PlaceList:
        """Those changed last, the last one first."""
        last = [(told.at, place) for place in self._book.places() if (told := self._book.last(place)) is not None]
        newest = heapq.nlargest(limit, last)
        return models.PlaceList(places=[row for _, place in newest if (row := self.place(place))], total=len(last))

    def tree(self, under: list[str]) -> models.Tree:
        """What comes next below these parts; what was removed is not shown."""
        counts: dict[str, int] = {}
        here: dict[str, str] = {}
        for place, parts in self._parts_of_live():
            if parts[: len(under)] != under or len(parts) <= len(under):
                continue
            name = parts[len(under)]
            counts[name] = counts.get(name, 0) + 1
            if len(parts) == len(under) + 1:
                here[name] = place
        kind = KINDS[len(under)] if len(under) < len(KINDS) else "path"
        children = [
            models.TreeNode.model_validate({"name": name, "kind": kind, "places": count, "place": here.get(name, "")})
            for name, count in sorted(counts.items())
        ]
        return models.Tree(under=under, children=children)

    def _parts_of_live(self) -> Iterable[tuple[str, list[str]]]:
        for place, address in self._book.places().items():
            if self._book.live(place):
                agent, role, project, task = address.names
                yield place, [project, agent, role, task, *address.path.split("/")]
