"""All versions of all places, as the feeds tell of them: a fold. Pure; the order of arrival changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chorus_tui.contract import ucxl
from chorus_tui.contract.ucxl import Address
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.ucxl import UcxlVersion
from chorus_tui.engine.protocol.named import Named
from chorus_tui.engine.ucxl import rules
from chorus_tui.engine.ucxl.interface import Version
from chorus_tui.engine.ucxl.rules import ALONE, Apart, Passed, Told

Heard = Callable[[], Passed]
"""What is known now of what may still come."""
Stands = Callable[[Named], bool]
"""Whether this entry stands under this number of its author's feed: its header is here."""


class Book:
    """Versions by place. Those of an author that never might write count for nothing until it may.

    What is behind a fork, or was erased, the journal does not give to folds, or takes back by a reset.
    """

    types = frozenset({"ucxl_version"})

    def __init__(self, heard: Heard, counts: Callable[[str], bool], stands: Stands) -> None:
        self._heard = heard
        self._stands = stands
        self._counts = counts
        """Whether an author might write at some time; once it is so, it stays so."""
        self._erased: dict[str, set[Named]] = {}
        """By hash. What a decision says of hash, author and number is whoever's word asked for it, until the header is here."""
        self.reset()

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self._told: dict[str, dict[str, Told]] = {}
        self._addresses: dict[str, Address] = {}
        self._ordered: dict[str, list[Told]] = {}
        self._siblings: dict[str, list[Apart]] = {}
        self._barred: dict[str, list[tuple[Entry, Message]]] = {}

    def apply(self, entry: Entry, message: Message) -> str:
        """One feed entry; the place it belongs to, empty for none and while it does not count."""
        if not isinstance(message, UcxlVersion):
            return ""
        if not self._counts(entry.author):
            self._barred.setdefault(entry.author, []).append((entry, message))
            return ""
        at, tick = (int(part) for part in entry.header.hlc.split(":")[:2])
        place = message.place
        self._told.setdefault(place, {})[entry.hash] = Told(entry.hash, entry.author, (at, tick), message, entry.key)
        self._addresses.setdefault(place, ucxl.parse(place))
        self._ordered.pop(place, None)
        self._siblings.pop(place, None)
        return place

    def granted(self) -> list[str]:
        """Take what counts now, after the control log granted somebody more; the places it belongs to."""
        waiting = [one for author in list(self._barred) if self._counts(author) for one in self._barred.pop(author)]
        return [self.apply(entry, message) for entry, message in waiting]

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def places(self) -> dict[str, Address]:
        """Every place that anything is known of."""
        return self._addresses

    def order(self, place: str) -> list[Told]:
        """Versions of a place as their authors told of them, the first one first."""
        if place not in self._told:
            return []
        if place not in self._ordered:
            self._ordered[place] = rules.ordered(self._told[place])
        return self._ordered[place]

    def last(self, place: str) -> Told | None:
        """The newest version, or None when nothing is known of it."""
        order = self.order(place) if place in self._told else []
        return order[-1] if order else None

    def live(self, place: str) -> bool:
        """Whether it has content now: known, and not removed."""
        last = self.last(place)
        return last is not None and not last.said.tombstone

    def heads(self, place: str) -> list[str]:
        """Entries of the versions that no other one follows."""
        return rules.heads(self.order(place)) if place in self._told else []

    def versions(self, place: str) -> list[Version]:
        """All versions of a place with their numbers, the first one first."""
        if place not in self._told:
            return []
        order = self.order(place)
        if place not in self._siblings:
            self._siblings[place] = rules.siblings(order)
        fixed = rules.settled(order, self._heard(), self._gone(order))
        return [
            version(one, n, settled=n <= fixed, apart=apart)
            for n, (one, apart) in enumerate(zip(order, self._siblings[place], strict=True), 1)
        ]

    def _gone(self, order: list[Told]) -> set[str]:
        """Entries before these that were really erased: they will never come again."""
        wanted = {parent for one in order for parent in one.said.parents if parent in self._erased}
        return {hash_ for hash_ in wanted if any(self._stands(named) for named in self._erased[hash_])}

    def erase(self, named: Named) -> None:
        """The control log erased an entry."""
        self._erased.setdefault(named[3], set()).add(named)

    def all_told(self) -> Iterator[Told]:
        """Every version of every place."""
        for told in self._told.values():
            yield from told.values()


def version(told: Told, n: int, *, settled: bool, apart: Apart = ALONE) -> Version:
    """What the features see of a version."""
    said = told.said
    return Version(
        said.place, n, settled, told.entry, told.author, told.at[0], said.digest, said.size, said.media_type,
        tuple(said.readers), tuple(said.parents), apart.first, said.tombstone, said.description, tuple(said.tags),
        apart.count,
    )  # fmt: skip
