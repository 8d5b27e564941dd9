"""The part of a log that the Raft core keeps in memory: everything after ``base``. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chorus_tui.engine.control.voters import Voters


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a log, mostly its end."""

    index: int
    term: int

    def as_new_as(self, other: Position) -> bool:
        """Whether a log that ends here is at least as up to date (section 5.4.1 of the paper): by term, then by length."""
        return (self.term, self.index) >= (other.term, other.index)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; ``voters`` are set where it changes them."""

    index: int
    term: int
    payload: Any = None
    voters: Voters | None = None

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position(self.index, self.term)

    def same(self, other: Entry | None) -> bool:
        """Whether the other says the same at the same place. By its hash where a payload has one."""
        if other is None or other.position != self.position:
            return False
        return bool(getattr(self.payload, "hash", self.payload) == getattr(other.payload, "hash", other.payload))


class RaftLog:
    """Entries after ``base``, which is committed, and the voters in force at each end."""

    def __init__(self, base: Position, voters: Voters, entries: list[Entry] | None = None) -> None:
        self.base = base
        self._base_voters = voters
        self._entries: list[Entry] = []
        self._changes: list[tuple[int, Voters]] = []
        if entries:
            self.replace(entries)

    @property
    def last(self) -> Position:
        """The end."""
        return self._entries[-1].position if self._entries else self.base

    @property
    def voters(self) -> Voters:
        """In force at the end."""
        return self._changes[-1][1] if self._changes else self._base_voters

    def voters_since(self, index: int) -> list[Voters]:
        """In force at ``index``, and all that follow up to the end."""
        found = [self._base_voters]
        for at, voters in self._changes:
            if at <= index:
                found = []
            found.append(voters)
        return found

    def term_at(self, index: int) -> int | None:
        """None before the base and after the end."""
        if index == self.base.index:
            return self.base.term
        place = index - self.base.index - 1
        return self._entries[place].term if 0 <= place < len(self._entries) else None

    def at(self, index: int) -> Entry | None:
        """An entry, or None where none is kept."""
        place = index - self.base.index - 1
        return self._entries[place] if 0 <= place < len(self._entries) else None

    def after(self, index: int, limit: int) -> list[Entry]:
        """At most ``limit`` entries behind ``index``."""
        place = index - self.base.index
        return self._entries[place : place + limit]

    def replace(self, entries: list[Entry]) -> None:
        """Put entries where they belong; what stood there and behind goes."""
        place = entries[0].index - self.base.index - 1
        if not 0 <= place <= len(self._entries):
            raise ValueError("the entries leave a gap")
        del self._entries[place:]
        while self._changes and self._changes[-1][0] >= entries[0].index:
            self._changes.pop()
        self._entries += entries
        self._changes += [(entry.index, entry.voters) for entry in entries if entry.voters is not None]

    def compact(self, index: int) -> None:
        """Forget what stands before and at ``index``, which must be committed; it becomes the base."""
        term = self.term_at(index)
        if term is None or index == self.base.index:
            return
        while self._changes and self._changes[0][0] <= index:
            self._base_voters = self._changes.pop(0)[1]
        del self._entries[: index - self.base.index]
        self.base = Position(index, term)
