"""Texts and their diffs: where a hunk does not fit, what a diff makes of a text, the diff of two texts. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chorus_tui.contract.diff import NO_NEWLINE, FileDiff, Hunk
from chorus_tui.contract.diff_names import tree_path

CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a diff does not fit. ``line`` counts from 1; 0: the whole file, and ``why`` says it. ``expected`` and ``found`` are
    that line as the diff has it and as it is there; None: nothing, the text has ended."""

    file: str
    line: int
    why: str
    expected: str | None = None
    found: str | None = None


class DoesNotFit(Exception):
    """A diff was made for another text. ``misfit`` says where."""

    def __init__(self, misfit: Misfit) -> None:
        super().__init__(f"{misfit.file}:{misfit.line}: {misfit.why}")
        self.misfit = misfit


def split(text: str) -> list[str]:
    """Lines as git counts them, with their ends: a newline ends a line, nothing else does."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def misfit(path: str, lines: list[str], hunk: Hunk) -> Misfit | None:
    """The first line in which a hunk expects something else than is there; None: it fits at its place."""
    start = max(hunk.old_start - 1, 0)
    before = hunk.before()
    for offset, expected in enumerate(before):
        at = start + offset
        found = lines[at] if at < len(lines) else None
        if found != expected:
            return Misfit(path, at + 1, "this line is not what the patch was made for", expected, found)
    if not hunk.new_start and len(before) < len(lines):
        return Misfit(path, len(before) + 1, "the patch ends the file here", None, lines[len(before)])
    return None


def nearest_misfit(path: str, lines: list[str], hunk: Hunk) -> Misfit | None:
    """As :func:`misfit`, at the place that is most like what the hunk expects; lines before it may have come or gone."""
    before = hunk.before()
    wanted = hunk.old_start - 1

    def likeness(start: int) -> tuple[int, int]:
        pairs = zip(before, lines[start : start + len(before)], strict=False)
        return (sum(one == other for one, other in pairs), -abs(start - wanted))

    at = max(range(len(lines) or 1), key=likeness, default=0)
    shifted = replace(hunk, old_start=at + 1) if likeness(at)[0] else hunk
    # Where it fits elsewhere, and git does not take it there: at the beginning or the end of a file it must stand where it says.
    return misfit(path, lines, shifted) or misfit(path, lines, hunk)


def patched(path: str, text: str, file: FileDiff) -> str:
    """What a diff makes of a text, each hunk at its own place. Raises :class:`DoesNotFit`."""
    lines = split(text)
    made: list[str] = []
    at = 0
    for hunk in file.hunks:
        wrong = misfit(path, lines, hunk)
        if wrong is not None:
            raise DoesNotFit(wrong)
        # A hunk that removes nothing stands behind the line that it names.
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        made += lines[at:start] + hunk.after()
        at = start + hunk.old_count
    return "".join(made + lines[at:])


def unified(path: str, old: str | None, new: str) -> bytes:
    """The diff between two texts of one file as git would write it; empty when nothing differs. ``old`` None: a new file.

    Raises ``ValueError`` for a path that must not stand in a diff."""
    tree_path(path)
    if old == new:
        return b""
    head = [f"diff --git a/{path} b/{path}", *(["new file mode 100644"] if old is None else [])]
    body = list(_hunks(split(old or ""), split(new)))
    if body:
        head += ["--- /dev/null" if old is None else f"--- a/{path}", f"+++ b/{path}"]
    return "".join(f"{line}\n" for line in (*head, *body)).encode("utf-8", "surrogateescape")


def _hunks(old: list[str], new: list[str]) -> Iterator[str]:
    """The lines of all hunks, without their ends."""
    for line in list(difflib.unified_diff(old, new, n=CONTEXT, lineterm="\n"))[2:]:
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield NO_NEWLINE
