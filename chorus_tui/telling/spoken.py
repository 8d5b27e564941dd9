"""Text as a screen reader should say it: signs become words or fall away, and nothing is drawn. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

SIGNS: Final = {
    "⚠": "warning:", "✗": "failed:", "✓": "ok:", "✉": "mail:", "→": "to", "←": "from", "≤": "at most", "≥": "at least", "…": "...",
    "·": ",", "●": "", "○": "", "\u2013": "-", "\u2014": "-",
}  # fmt: skip
_SILENT: Final = frozenset({"So", "Sk", "Cf"})
"""Pictures, and the marks that dress them."""
_BOXES: Final = range(0x2500, 0x25A0)


def spoken(text: str) -> str:
    """``text`` in words. What only decorates is left out; a line without signs stays as it is."""
    return "\n".join(_line(line) for line in unicodedata.normalize("NFC", text).split("\n"))


def _line(line: str) -> str:
    said = "".join(_sign(character) for character in line)
    if said != line:
        said = " ".join(said.split()).replace(" ,", ",")
    return f"attention: {said[2:]}" if said.startswith("! ") else said


def _sign(character: str) -> str:
    if character in SIGNS:
        return f" {SIGNS[character]} " if character != "…" else SIGNS[character]
    if ord(character) in _BOXES or unicodedata.category(character) in _SILENT or character == "\ufe0f":
        return " "
    return character


def row(headers: Sequence[str], cells: Sequence[str], number: int, of: int) -> str:
    """A row of a table as one line: its place, then each column's name and value; empty ones are not said."""
    said = [f"{header} {cell}" if header else cell for header, cell in zip(headers, cells, strict=False) if cell]
    return f"{number} of {of}: {', '.join(said)}"
