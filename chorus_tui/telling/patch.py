"""The lines of a patch told apart, as git writes it: what was added, what removed, and what is not content.

A hunk's own numbers say where it ends, so that a removed line ``-- x`` is not taken for the head of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

Kind = Literal["file", "hunk", "added", "removed", "same"]

_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


def told_apart(lines: Iterable[str]) -> Iterator[tuple[Kind, str]]:
    """Each line with its kind; lines that belong to no hunk are of their file's head."""
    old = new = 0
    for line in lines:
        if old <= 0 and new <= 0:
            begins = _HUNK.match(line)
            if begins is None:
                yield ("same" if line.startswith("\\") else "file"), line
                continue
            old, new = (int(count) if count is not None else 1 for count in begins.groups())
            yield "hunk", line
        elif line.startswith("+"):
            new -= 1
            yield "added", line
        elif line.startswith("-"):
            old -= 1
            yield "removed", line
        else:
            if not line.startswith("\\"):  # "\ No newline at end of file" counts on neither side
                old, new = old - 1, new - 1
            yield "same", line
