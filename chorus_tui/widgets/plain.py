"""Text from the network made harmless: shown as what it is, never obeyed by the terminal or read as markup.

Everything that others wrote passes :func:`plain` before it is drawn. Its work is bounded by what can be seen, not by what was sent.
"""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_LINE: Final = 2000
MAX_LINES: Final = 20_000
MAX_MARKS: Final = 3

_MARKS = frozenset({"Mn", "Me", "Mc"})
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories that a terminal obeys, or of which nobody knows how wide they are: controls, direction tricks, joiners, tags, what no
character was given to yet, line separators."""

# Letters that nobody sees: a name could pass for another by them.
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5")

# Emoji variation selectors and skin tones: terminals disagree on the width of what they make.
_VARIATIONS = frozenset("\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")


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
        marks = marks + 1 if category in _MARKS else 0
        if marks > MAX_MARKS:
            continue
        if char == "\t":
            out.append("    ")
        elif char in "\r\n":
            out.append(" ")
        else:
            out.append("�" if char in _BLANKS or category in _HIDDEN else char)
    return "".join(out) + ("…" if len(cut) > limit else "")


def typed(text: str) -> str:
    """What a field takes of what is typed or pasted: all that can be seen. Line ends and tabs stay; accents become one with their letter.

    Controls, direction tricks and joiners are left out: a field draws its text as it is, and a line that they turn round breaks the frame.
    """
    return taken(text)[0]


def taken(text: str) -> tuple[str, int]:
    """The same, and how many signs were left out; an accent that becomes one with its letter is none of them."""
    if text.isascii() and text.isprintable():
        return text, 0
    out: list[str] = []
    marks = left = 0
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        marks = marks + 1 if category in _MARKS else 0
        unseen = category in _HIDDEN or char in _BLANKS or char in _VARIATIONS or marks > MAX_MARKS
        if char in "\t\r\n" or not unseen:
            out.append(char)
        else:
            left += 1
    return "".join(out), left


def plain_lines(text: str, *, limit: int = MAX_LINE, most: int = MAX_LINES) -> list[str]:
    """Several lines, each made harmless; after ``most`` of them the rest is left out, and said to be."""
    lines = text.replace("\r\n", "\n").split("\n", most)
    left = [f"… and {lines.pop().count(chr(10)) + 1:,} more lines"] if len(lines) > most else []
    return [plain(line, limit=limit) for line in lines] + left


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
