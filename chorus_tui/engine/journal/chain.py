"""The rules of a feed's chain, pure: where an entry belongs, what waits for a gap, what each peer holds."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum

from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.envelope import Entry

Frontier = dict[str, dict[str, tuple[int, str]]]
"""``{author: {epoch: (next seq, head hash)}}``."""

MAX_PARKED = 4096
PARKED_BYTES = 32 * 1024 * 1024
HEADER_BYTES = 512
AUTHORS_SHARE = 8
"""One author fills at most this part of the room: it cannot push out what waits of the others."""


class Place(Enum):
    """Where an entry belongs."""

    NEXT = "next"
    DUPLICATE = "duplicate"
    GAP = "gap"
    FORK = "fork"
    BROKEN = "broken"
    """The next number, but it does not follow the entry before: its author forked earlier than anything seen here."""


@dataclass(slots=True)
class Chains:
    """Heads of all feeds held here, by author and epoch."""

    heads: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def place(self, entry: Entry, stored_hash: str | None) -> Place:
        """Where ``entry`` belongs; ``stored_hash`` is that of the entry with the same key held here, if any."""
        h = entry.header
        next_seq, head = self.heads.get((h.author, h.epoch), (0, ""))
        if h.seq < next_seq:
            return Place.DUPLICATE if stored_hash == entry.hash else Place.FORK
        if h.seq > next_seq:
            return Place.GAP
        if h.seq > 0 and h.prev != head:
            return Place.BROKEN
        return Place.NEXT

    def advance(self, entry: Entry) -> None:
        """Note an accepted entry."""
        self.heads[entry.header.author, entry.header.epoch] = (entry.header.seq + 1, entry.hash)

    def cut(self, author: str, epoch: str, seq: int, head: str) -> None:
        """Go back: ``seq`` is the next number again, after the entry ``head``."""
        self.heads[author, epoch] = (seq, head)

    def frontier(self) -> Frontier:
        """What is held here, as sent to others."""
        result: Frontier = {}
        for (author, epoch), head in self.heads.items():
            result.setdefault(author, {})[epoch] = head
        return result


def digest(epochs: dict[str, tuple[int, str]]) -> str:
    """One hash over all epochs of an author; equal digests need no detail."""
    return canonical.sha256_hex(canonical.encode([[epoch, *epochs[epoch]] for epoch in sorted(epochs)]))


def missing(ours: Frontier, theirs: Frontier) -> list[tuple[str, str, int]]:
    """What they lack of ours: (author, epoch, first seq), in a fixed order.

    Equally long feeds with different heads are a fork: each side gets the other's last entry, which proves it.
    """
    wanted = []
    for author in sorted(ours):
        for epoch in sorted(ours[author]):
            have, head = theirs.get(author, {}).get(epoch, (0, ""))
            if have < ours[author][epoch][0]:
                wanted.append((author, epoch, have))
            elif (have, head) > (0, "") and have == ours[author][epoch][0] and head != ours[author][epoch][1]:
                wanted.append((author, epoch, have - 1))
    return wanted


def lead(ours: dict[str, tuple[int, str]], theirs: dict[str, tuple[int, str]]) -> int:
    """By how many entries of one author they are ahead."""
    return sum(max(0, head[0] - ours.get(epoch, (0, ""))[0]) for epoch, head in theirs.items())


@dataclass(slots=True)
class _Room:
    """What waits, oldest first, and how much it is."""

    most: int
    most_bytes: int
    sizes: OrderedDict[tuple[str, str, int], int] = field(default_factory=OrderedDict)
    bytes: int = 0

    def put(self, key: tuple[str, str, int], size: int) -> None:
        self.sizes[key] = size
        self.bytes += size

    def remove(self, key: tuple[str, str, int]) -> None:
        self.bytes -= self.sizes.pop(key)

    def surplus(self) -> tuple[str, str, int] | None:
        """The oldest, when there is too much."""
        over = len(self.sizes) > self.most or self.bytes > self.most_bytes
        return next(iter(self.sizes)) if over else None


class Parked:
    """Entries after a gap, kept until the range before them has come. Bounded in number and bytes, of each author and of all;
    what is too much goes, the oldest first: it comes again with the range."""

    def __init__(self, limit: int = MAX_PARKED, limit_bytes: int = PARKED_BYTES) -> None:
        self._share = (max(1, limit // AUTHORS_SHARE), limit_bytes // AUTHORS_SHARE)
        self._all = _Room(limit, limit_bytes)
        self._of: dict[str, _Room] = {}
        self._entries: dict[tuple[str, str, int], Entry] = {}

    def add(self, entry: Entry) -> None:
        """Keep one; the same one twice is one."""
        self.take(*entry.key)
        size = len(entry.body or b"") + HEADER_BYTES
        self._entries[entry.key] = entry
        for room in (self._all, self._of.setdefault(entry.author, _Room(*self._share))):
            room.put(entry.key, size)
        for room in (self._of[entry.author], self._all):
            while key := room.surplus():
                self.take(*key)

    def take(self, author: str, epoch: str, seq: int) -> Entry | None:
        """The parked entry that is next now, if there is one."""
        key = (author, epoch, seq)
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._all.remove(key)
            self._of[author].remove(key)
            if not self._of[author].sizes:
                del self._of[author]
        return entry

    def by_author(self) -> dict[str, int]:
        """How many wait, by author."""
        return {author: len(room.sizes) for author, room in self._of.items()}

    def __len__(self) -> int:
        return len(self._entries)
