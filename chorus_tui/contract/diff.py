"""Diffs as git writes them: read, checked and bounded before anything is done with them. Pure; both sides of the contract use it.

What a member sends is not trusted. A diff is taken only when every line of it is understood: whatever git would make of a line
that is not, nothing is left to guess. Its names stay inside of the tree, links and submodules are refused, and so is all that
git itself would refuse, so that a bad diff never reaches git.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from chorus_tui.contract.diff_names import NULL, header_names, name_of, tree_path

MOST_BYTES: Final = 8 << 20
MOST_FILES: Final = 2_000
NO_NEWLINE: Final = "\\ No newline at end of file"

Kind = Literal["added", "deleted", "changed", "renamed", "copied"]

_MODES = {"100644", "100755"}
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)", re.DOTALL)
_INDEX = re.compile(r"[0-9a-f]{4,64}\.\.[0-9a-f]{4,64}(?: (\d{6}))?")
_PERCENT = re.compile(r"\d{1,3}%")
_BINARY_SIZE = re.compile(r"(?:literal|delta) \d{1,10}")
_BINARY_DATA = re.compile(r"[A-Za-z][0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{5,65}")


class BadDiff(ValueError):
    """A diff that is not taken. ``line`` counts from 1; 0: the whole of it. ``str()`` says what is wrong, for people."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place of a file. ``lines`` have their signs: blank, plus, minus, or a backslash where a file ends without a newline.

    Texts are as in the file; bytes that are no UTF-8 are kept as Python's surrogate escapes.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    heading: str
    lines: tuple[str, ...]

    def before(self) -> list[str]:
        """The lines that it expects, with their newlines."""
        return _side(self.lines, " -")

    def after(self) -> list[str]:
        """The lines that it leaves, with their newlines."""
        return _side(self.lines, " +")

    def numbered(self) -> list[tuple[int, str]]:
        """Each line with its number: in the new file, of a removed one in the old."""
        found, old, new = [], self.old_start, self.new_start
        for line in self.lines:
            found.append((old if line[0] == "-" else new, line))
            old += line[0] in " -"
            new += line[0] in " +"
        return found


def _side(lines: Sequence[str], signs: str) -> list[str]:
    found = []
    for line, following in pairwise((*lines, "")):
        if line[0] in signs:
            found.append(line[1:] + ("" if following.startswith("\\") else "\n"))
    return found


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What becomes of one file. ``old`` and ``new`` are its paths in the tree; of a new file ``old`` is empty, of a deleted one
    ``new``. ``mode`` is the new mode where the diff names one. ``line`` is where it begins in the diff, from 1, and ``head`` how many
    lines stand there before its hunks."""

    kind: Kind
    old: str
    new: str
    mode: str
    binary: bool
    hunks: tuple[Hunk, ...]
    line: int
    head: int

    @property
    def path(self) -> str:
        """What it is called for people."""
        return self.new or self.old

    @property
    def added(self) -> int:
        """Lines."""
        return sum(line[0] == "+" for hunk in self.hunks for line in hunk.lines)

    @property
    def removed(self) -> int:
        """Lines."""
        return sum(line[0] == "-" for hunk in self.hunks for line in hunk.lines)


def parse(data: bytes) -> list[FileDiff]:
    """Read a whole diff. Raises :class:`BadDiff` for everything that is not one, or must not be applied."""
    if len(data) > MOST_BYTES:
        raise BadDiff(0, f"it has {len(data)} bytes; at most {MOST_BYTES >> 20} MiB are taken")
    if not data:
        raise BadDiff(0, "it is empty")
    if not data.endswith(b"\n"):
        raise BadDiff(data.count(b"\n") + 1, "it is cut off: its last line has no end")
    reader = _Reader(data.decode("utf-8", "surrogateescape")[:-1].split("\n"))
    files: list[FileDiff] = []
    while reader.more():
        files.append(_File(reader).read())
        if len(files) > MOST_FILES:
            raise BadDiff(0, f"it changes more than {MOST_FILES} files")
    _check_together(files)
    return files


def _check_together(files: list[FileDiff]) -> None:
    """No path twice, and no file below what another part makes a file."""
    written: dict[str, int] = {}
    for file in files:
        gone = [file.old] if file.kind == "renamed" else []
        for path in (file.path, *gone):
            if path in written:
                raise BadDiff(file.line, f"{path!r} is changed twice")
            written[path] = file.line
    made = {file.new for file in files if file.new}
    for path in made:
        parts = path.split("/")
        for end in range(1, len(parts)):
            if (above := "/".join(parts[:end])) in made:
                raise BadDiff(written[path], f"{path!r} lies below {above!r}, which is a file")


class _Reader:
    """The lines, and where we are."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self._lines)

    def peek(self) -> str:
        return self._lines[self.at] if self.more() else ""

    def take(self) -> str:
        if not self.more():
            raise BadDiff(self.at, "it ends too early")
        self.at += 1
        return self._lines[self.at - 1]

    def bad(self, message: str) -> BadDiff:
        """About the line that was taken last."""
        return BadDiff(self.at, message)


class _File:
    """Reads the part of one file."""

    def __init__(self, reader: _Reader) -> None:
        self._in = reader
        self._seen: dict[str, str] = {}
        """Extended headers by their name."""

    def read(self) -> FileDiff:
        header, line = self._in.take(), self._in.at
        if not header.startswith("diff --git "):
            raise self._in.bad("neither a part of a hunk nor the beginning of a file ('diff --git a/… b/…')")
        self._extended()
        old, new, hunks, binary = "", "", list[Hunk](), False
        head = 0
        if self._in.peek().startswith("--- "):
            old = self._side_name("--- ", "a/")
            new = self._side_name("+++ ", "b/")
            head = self._in.at - line + 1
            hunks = self._hunks()
        elif self._in.peek() == "GIT binary patch":
            binary = True
            self._binary()
        elif self._in.peek().startswith(("Binary files ", "Files ")):
            self._in.take()
            raise self._in.bad("a binary file without its content; make the diff with 'git diff --binary'")
        head = head or self._in.at - line + 1
        return self._whole(header, line, head, (old, new), tuple(hunks), binary)

    # ── the head ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _extended(self) -> None:
        while True:
            line = self._in.peek()
            name = next((name for name in _EXTENDED if line.startswith(f"{name} ")), None)
            if name is None:
                return
            self._in.take()
            if name in self._seen:
                raise self._in.bad(f"'{name}' twice")
            self._seen[name] = value = line[len(name) + 1 :]
            self._check_extended(name, value)

    def _check_extended(self, name: str, value: str) -> None:
        if name.endswith("mode"):
            self._check_mode(value)
        elif name == "index":
            match = _INDEX.fullmatch(value)
            if match is None:
                raise self._in.bad("no 'index' line as git writes it")
            if match[1]:
                self._check_mode(match[1])
        elif name.endswith("similarity index") and not _PERCENT.fullmatch(value):
            raise self._in.bad("no percentage")

    def _check_mode(self, mode: str) -> None:
        if mode == "120000":
            raise self._in.bad("a symbolic link; links are not taken")
        if mode == "160000":
            raise self._in.bad("a submodule; submodules are not taken")
        if mode not in _MODES:
            raise self._in.bad(f"the mode {mode[:12]!r}; only 100644 and 100755 are taken")

    def _side_name(self, mark: str, prefix: str) -> str:
        """The path in the tree, or ``/dev/null``."""
        line = self._in.take()
        if not line.startswith(mark):
            raise self._in.bad(f"'{mark.strip()}' was expected")
        try:
            name = name_of(line[len(mark) :].removesuffix("\t"))
            return NULL if name == NULL else tree_path(name, prefix)
        except ValueError as error:
            raise self._in.bad(str(error)) from None

    def _whole(
        self, header: str, line: int, head: int, sides: tuple[str, str], hunks: tuple[Hunk, ...], binary: bool
    ) -> FileDiff:  # fmt: skip
        """All names together: each place that names the file must name the same."""
        moved = self._moved()
        try:
            names = header_names(header.removeprefix("diff --git "), moved or _plain_pair(*sides))
        except ValueError as error:
            raise BadDiff(line, str(error)) from None
        kind = self._kind(line, moved is not None)
        for given, named, absent in zip(sides, names, (kind == "added", kind == "deleted"), strict=True):
            if given and given != (NULL if absent else named):
                raise BadDiff(line, f"its head names {named!r}, another line {given!r}")
        if kind in ("added", "deleted", "changed") and names[0] != names[1]:
            raise BadDiff(line, f"it names {names[0]!r} and {names[1]!r}, and says nothing of a new name")
        mode = self._seen.get("new mode") or self._seen.get("new file mode") or ""
        if kind == "changed" and not (hunks or binary or "new mode" in self._seen):
            raise BadDiff(line, "it changes nothing")
        made, gone = kind == "added", kind == "deleted"
        return FileDiff(kind, "" if made else names[0], "" if gone else names[1], mode, binary, hunks, line, head)

    def _moved(self) -> tuple[str, str] | None:
        """The names of a rename or copy."""
        for verb in ("rename", "copy"):
            pair = [self._seen.get(f"{verb} from"), self._seen.get(f"{verb} to")]
            if pair[0] is not None and pair[1] is not None:
                try:
                    return tree_path(name_of(pair[0])), tree_path(name_of(pair[1]))
                except ValueError as error:
                    raise self._in.bad(str(error)) from None
            if pair != [None, None]:
                raise self._in.bad(f"half of a {verb}")
        return None

    def _kind(self, line: int, moved: bool) -> Kind:
        seen = self._seen
        kinds = [kind for header, kind in _KINDS if header in seen]
        if len(kinds) > 1 or ("old mode" in seen) != ("new mode" in seen) or (moved and not kinds):
            raise BadDiff(line, "its head contradicts itself")
        return kinds[0] if kinds else "changed"

    # ── the body ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _hunks(self) -> list[Hunk]:
        found: list[Hunk] = []
        end = 0
        while self._in.peek().startswith("@@ "):
            hunk = self._hunk()
            if hunk.old_start < end:
                raise self._in.bad("its hunks overlap, or are not in order")
            end = hunk.old_start + hunk.old_count
            found.append(hunk)
        if not found:
            raise self._in.bad("a hunk ('@@ -1 +1 @@') was expected after it")
        return found

    def _hunk(self) -> Hunk:
        match = _HUNK.fullmatch(self._in.take())
        if match is None:
            raise self._in.bad("no head of a hunk as git writes it")
        old_start, old_count, new_start, new_count = (
            int(part) if part is not None else 1 for part in match.groups()[:4]
        )
        old, new, lines = old_count, new_count, list[str]()
        while old or new or self._in.peek().startswith("\\"):
            line = self._in.take()
            sign = line[:1]
            old, new = old - (sign in (" ", "-")), new - (sign in (" ", "+"))
            if sign not in (" ", "+", "-", "\\") or old < 0 or new < 0 or (sign == "\\" and not lines):
                raise self._in.bad("not what the head of its hunk promises")
            lines.append(line)
        return Hunk(old_start, old_count, new_start, new_count, match[5], tuple(lines))

    def _binary(self) -> None:
        self._in.take()
        parts = 0
        while _BINARY_SIZE.fullmatch(self._in.peek()) and parts < 2:
            self._in.take()
            parts += 1
            while (line := self._in.take()) != "":
                if not _BINARY_DATA.fullmatch(line):
                    raise self._in.bad("no binary content as git writes it")
        if not parts:
            raise self._in.bad("binary content was expected after it")


_EXTENDED = (
    "old mode", "new mode", "deleted file mode", "new file mode", "copy from", "copy to", "rename from", "rename to",
    "similarity index", "dissimilarity index", "index",
)  # fmt: skip
_KINDS: tuple[tuple[str, Kind], ...] = (
    ("new file mode", "added"), ("deleted file mode", "deleted"), ("rename to", "renamed"), ("copy to", "copied"),
)  # fmt: skip


def _plain_pair(old: str, new: str) -> tuple[str, str] | None:
    """The names of the lines before the hunks, if they say any."""
    named = [name for name in (old, new) if name and name != NULL]
    return (named[0], named[-1]) if named else None
