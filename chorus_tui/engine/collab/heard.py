"""What others typed and have not saved yet, as heard here. Pure.

A peer that dies within two seconds of a key has told it and not saved it. Others may have built on it: without it their own words
would wait for ever. So who heard it saves it in its stead, one after the other, until somebody has. Nobody is sure to have heard all
of it: what is said in another's stead stands for itself alone, and never for what came before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chorus_tui.engine.collab.update import Shape

SAVES_S = 10.0
"""So long its own author has; it needs two seconds."""
TURN_S = 5.0
"""So long each of the others waits for the one before it."""
MOST_HEARD = 1 << 20
"""Bytes of one author."""


@dataclass(frozen=True, slots=True)
class Typed:
    """One update as it was heard, and what it contains."""

    at: float
    update: bytes
    shape: Shape


class Heard:
    """In one text. Times are those of a clock that never goes back."""

    def __init__(self) -> None:
        self._of: dict[str, list[Typed]] = {}
        self._saved: dict[int, int] = {}

    def note(self, author: str, update: bytes, shape: Shape, now: float) -> None:
        """Somebody typed this. What is too much is not kept: its author saves it, most likely."""
        found = self._of.get(author, [])
        size = sum(len(one.update) for one in found) + len(update)
        if (not shape.inserted or self._beyond(shape)) and size <= MOST_HEARD:
            self._of[author] = [*found, Typed(now, update, shape)]

    def _beyond(self, shape: Shape) -> bool:
        """Whether it brings a client further than its author has saved."""
        return any(self._saved.get(client, 0) < end for client, (_, end) in shape.inserted.items())

    def saved(self, author: str, shape: Shape) -> None:
        """An author saved an update. What it typed under the same ids before is in it; deletions are taken to be."""
        for client, (_, end) in shape.inserted.items():
            self._saved[client] = max(self._saved.get(client, 0), end)
        self._keep(author, [one for one in self._of.get(author, ()) if self._beyond(one.shape)])

    def stood_in(self, author: str, shape: Shape) -> None:
        """Another saved this in its author's stead: what it holds is saved, and nothing else."""
        self._keep(author, [one for one in self._of.get(author, ()) if not shape.holds(one.shape)])

    def drop(self, author: str, said: Sequence[Typed]) -> None:
        """These were said, whatever others make of them."""
        gone = {id(one) for one in said}
        self._keep(author, [one for one in self._of.get(author, ()) if id(one) not in gone])

    def _keep(self, author: str, left: list[Typed]) -> None:
        self._of.pop(author, None)
        if left:
            self._of[author] = left

    def runs(self, author: str, most: int) -> list[list[Typed]]:
        """What is not saved of one author, in parts that can each be one update of about so many bytes: where words in between were
        not heard, another part begins, since an update with a hole in it is none."""
        runs: list[list[Typed]] = []
        reach: dict[int, tuple[int, int]] = {}
        size = 0
        for one in self._of.get(author, ()):
            joins = all(
                client not in reach or (start <= reach[client][1] and end >= reach[client][0])
                for client, (start, end) in one.shape.inserted.items()
            )
            if not runs or not joins or size + len(one.update) > most:
                runs.append([])
                reach, size = {}, 0
            runs[-1].append(one)
            size += len(one.update)
            for client, (start, end) in one.shape.inserted.items():
                first, last = reach.get(client, (start, end))
                reach[client] = (min(first, start), max(last, end))
        return runs

    def of(self, author: str) -> list[bytes]:
        """What is not saved of one author, in the order in which it was heard."""
        return [one.update for one in self._of.get(author, ())]

    def authors(self) -> list[str]:
        """Of whom something is not saved."""
        return sorted(self._of)

    def due(self, now: float, turn: int) -> list[str]:
        """Authors that have not saved what they typed, and it is this peer's turn: the 0th waits the shortest time."""
        return [author for author, found in sorted(self._of.items()) if now - found[0].at >= SAVES_S + turn * TURN_S]
