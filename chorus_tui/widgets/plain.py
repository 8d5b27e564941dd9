"""Text from the network made harmless: shown as what it is, never obeyed by the terminal or read as markup."""

from __future__ import annotations

import unicodedata

MAX_LINE = 2000
MAX_MARKS = 3

# Line separators and blank letters; format characters (direction tricks, joiners, tags) are told by their category.
_HIDDEN = frozenset(
    "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)

# Emoji variation selectors: terminals disagree on the width of what they make.
_VARIATIONS = frozenset("\ufe0e\ufe0f")


def plain(text: str, *, limit: int = MAX_LINE) -> str:
    """One line without control characters, direction tricks and towers of marks; cut at ``limit`` with a sign."""
    cut = text[: limit + 1]
    if len(cut) <= limit and cut.isascii() and cut.isprintable():
        return cut  # most lines are so, and long texts have many
    out: list[str] = []
    marks = 0
    for char in cut[:limit]:
        if char in _VARIATIONS:
            continue
        category = unicodedata.category(char)
        if category in ("Mn", "Me"):
            marks += 1
            if marks > MAX_MARKS:
                continue
        else:
            marks = 0
        if char == "\t":
            out.append("    ")
        elif char in _HIDDEN or category in ("Cc", "Cf", "Cs", "Co"):
            out.append("�" if char not in "\r\n" else " ")
        else:
            out.append(char)
    return "".join(out) + ("…" if len(cut) > limit else "")


def plain_lines(text: str, *, limit: int = MAX_LINE) -> list[str]:
    """Several lines, each made harmless."""
    return [plain(line, limit=limit) for line in text.replace("\r\n", "\n").split("\n")]


def ago(seconds: float) -> str:
    """A duration, short: ``4 s``, ``3 min``, ``2 h``, ``5 d``."""
    seconds = max(0.0, seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def size(count: int) -> str:
    """Bytes, short."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
