"""Edits of a plain text, and what they do to places in it. Pure; engine and portal follow edits by the same rules.

Places are numbers of characters from the beginning. An edit takes some characters away and puts others in their place.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """At ``at``, ``removed`` characters go and ``inserted`` come."""

    at: int
    removed: int
    inserted: str

    @property
    def nothing(self) -> bool:
        """Whether it changes nothing."""
        return not self.removed and not self.inserted


def difference(old: str, new: str, near: int | None = None) -> Edit:
    """The one edit that makes ``new`` of ``old``. Where it could stand in several places (a letter typed beside its like) it ends
    at ``near``, a place in ``new``, if it can: the cursor stands behind what was typed."""
    most = min(len(old), len(new))
    start = _same(old, new, most)
    if near is not None:
        start = min(start, max(near - max(len(new) - len(old), 0), 0))
    end = _same_end(old, new, most - start)
    return Edit(start, len(old) - end - start, new[start : len(new) - end])


def _same(old: str, new: str, most: int) -> int:
    """How many characters at the beginning are the same, at most ``most``: by halves, so that long texts are quick."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _same_end(old: str, new: str, most: int) -> int:
    """The same from the end."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def applied(text: str, edit: Edit) -> str:
    """The text after an edit."""
    return text[: edit.at] + edit.inserted + text[edit.at + edit.removed :]


def moved(place: int, edit: Edit) -> int:
    """Where a place is after somebody else's edit: it stays before the same character; what is inserted right there pushes
    nothing, so that a cursor stays behind what its owner typed."""
    if place <= edit.at:
        return place
    if place >= edit.at + edit.removed:
        return place - edit.removed + len(edit.inserted)
    return edit.at


def row_and_column(text: str, place: int) -> tuple[int, int]:
    """The line and the column of a place, counted from 0."""
    before = text[: max(0, min(place, len(text)))]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)


def place_of(text: str, row: int, column: int) -> int:
    """The place of a line and a column; what lies outside of the text is the nearest end."""
    lines = text.split("\n")
    row = max(0, min(row, len(lines) - 1))
    return sum(len(line) + 1 for line in lines[:row]) + max(0, min(column, len(lines[row])))
