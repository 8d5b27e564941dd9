"""Two contents compared: pure. Long ones are told to differ, not compared line by line for minutes."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

MOST_LINES = 4_000
"""Of each text; comparing takes time with the product of both."""
MOST_SHOWN = 10_000
MOST_TEXT = 512 * 1024
"""Characters of each text that are given back whole."""


@dataclass(frozen=True, slots=True)
class Difference:
    """``lines`` of a unified diff without line ends; ``note`` why there are none."""

    equal: bool
    lines: list[str] = field(default_factory=list)
    cut: bool = False
    note: str = ""


def compare(before: str | None, after: str | None, names: tuple[str, str], *, equal: bool) -> Difference:
    """``None`` stands for what is no text. ``names`` are those of the two in the head of the diff."""
    if equal:
        return Difference(equal=True, note="Both versions have the same content")
    if before is None or after is None:
        return Difference(equal=False, note="They differ, and are not both text")
    one, other = before.splitlines(), after.splitlines()
    if max(len(one), len(other)) > MOST_LINES:
        return Difference(
            equal=False, note=f"They differ; texts of more than {MOST_LINES} lines are not compared line by line"
        )
    lines = list(difflib.unified_diff(one, other, *names, lineterm=""))
    if not lines:
        return Difference(equal=False, note="They differ only in their line ends")
    return Difference(equal=False, lines=lines[:MOST_SHOWN], cut=len(lines) > MOST_SHOWN)
