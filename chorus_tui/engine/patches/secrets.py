"""Where in a diff a secret stands. A diff without its secrets would not apply, so one that has any is refused as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest

from chorus_tui.contract.diff import FileDiff
from chorus_tui.contract.models.patches import SecretLine

MOST_TOLD = 50


def found(data: bytes, files: Iterable[FileDiff], redact: Callable[[str], str]) -> list[SecretLine]:
    """The lines that the redactor would change, by file and line; none: it would change nothing."""
    text = data.decode("utf-8", "surrogateescape")
    if redact(text) == text:
        return []
    return [_placed(number, files) for number in _changed(text.split("\n"), redact)]


def _changed(lines: list[str], redact: Callable[[str], str]) -> list[int]:
    """Indexes of lines. One that is a secret only together with others is told by its first line."""
    told = [at for at, line in enumerate(lines) if redact(line) != line][:MOST_TOLD]
    for at in told:
        lines[at] = ""
    while len(told) < MOST_TOLD:
        clean = redact("\n".join(lines)).split("\n")
        first = next((at for at, (one, other) in enumerate(zip_longest(lines, clean)) if one != other), len(lines))
        if first == len(lines):
            break
        told.append(first)
        lines[first] = ""
    return sorted(told)


def _placed(index: int, files: Iterable[FileDiff]) -> SecretLine:
    """Which line of which file a line of the diff is; 0: of its head."""
    file = next((one for one in reversed(list(files)) if one.line <= index + 1), None)
    if file is None:
        return SecretLine(file="", line=0)
    # The lines of a file's hunks are its last ones, each behind a line that heads it.
    at = file.line + file.head - 1
    for hunk in file.hunks:
        inside = index - at - 1
        if 0 <= inside < len(hunk.lines):
            return SecretLine(file=file.path, line=hunk.numbered()[inside][0])
        at += 1 + len(hunk.lines)
    return SecretLine(file=file.path, line=0)
