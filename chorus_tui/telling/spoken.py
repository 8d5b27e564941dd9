"""Text as a screen reader should say it: our signs become words or fall away, and nothing is drawn. Pure.

Only our own signs: what somebody wrote, an address, a name, comes through as it is. :func:`quoted` marks it where it comes in,
:func:`spoken` leaves it alone, :func:`unquoted` gives it back before it is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel

SIGNS: Final = {
    "⚠": "warning:", "✗": "failed:", "✓": "ok:", "✉": "mail:", "→": "to", "←": "from", "≤": "at most", "≥": "at least", "…": "...",
    "·": ",", "●": "", "○": "", "\u2013": "-", "\u2014": "-",
}  # fmt: skip
_SILENT: Final = frozenset({"So", "Sk", "Cf"})
"""Pictures, and the marks that dress them; not those of ASCII, which stand in addresses and commands."""
_BOXES: Final = range(0x2500, 0x25A0)

# Each sign has a twin in a plane that no text uses: no printer looks for it, and it is never mistaken for a sign of ours.
_TWINS: Final = 0xF0000
_PRIVATE: Final = range(_TWINS, 0x110000)
_ATTENTION: Final = re.compile(r"^(\s*)!(?= )", re.MULTILINE)


def spoken(text: str) -> str:
    """``text`` in words. What only decorates is left out; a line without signs stays as it is."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    said, signs, at = "", 0, 0
    while at < len(line):
        character = line[at]
        at += 1
        if not _is_sign(character):
            said += character
            continue
        signs += 1
        word = SIGNS.get(character, "")
        if character == "…":
            said += word
            continue
        # A sign stands between words with one space; a comma stands at the word before it.
        said = said.rstrip(" ") + ("" if word == "," or not said.strip() else " ") + (f"{word} " if word else "")
        while at < len(line) and line[at] == " ":
            at += 1
        said = said if said.endswith(" ") or not said else f"{said} "
    if signs:
        said = said.strip(" ")
    return _ATTENTION.sub(r"\1attention:", said)


def _is_sign(character: str) -> bool:
    if character.isascii():
        return False
    return (
        character in SIGNS
        or ord(character) in _BOXES
        or character == "\ufe0f"
        or unicodedata.category(character) in _SILENT
    )


def quoted(value: Any) -> Any:
    """``value``, an answer or a text, with all that would be said in other words marked: it is not ours."""
    match value:
        case str():
            return _quoted(value)
        case BaseModel():
            return value.model_copy(update={name: quoted(part) for name, part in value})
        case list():
            return [quoted(part) for part in value]
        case tuple():
            return tuple(quoted(part) for part in value)
        case dict():
            return {quoted(name): quoted(part) for name, part in value.items()}
    return value


def _quoted(text: str) -> str:
    if text.isascii() and "!" not in text:
        return text
    marked = "".join(_twin(character) if character != "!" else "!" for character in text)
    return _ATTENTION.sub(lambda found: found[1] + chr(_TWINS + ord("!")), marked)


def _twin(character: str) -> str:
    if ord(character) in _PRIVATE:
        # Nobody may bring a twin, and with it whatever the twin stands for.
        character = "\ufffd"
    return chr(_TWINS + ord(character)) if _may_be_marked(character) else character


def _may_be_marked(character: str) -> bool:
    """Signs, but none that turns the writing direction: no cleaning would find its twin."""
    turns = unicodedata.category(character) == "Cf" and unicodedata.bidirectional(character) != "BN"
    return character == "!" or (_is_sign(character) and not turns and ord(character) < 0x1FFFE)


def unquoted(text: str) -> str:
    """``text`` as it was written; only twins of what may be marked become it."""
    return "".join(_original(character) for character in text)


def _original(character: str) -> str:
    code = ord(character) - _TWINS
    if code < 0:
        return character
    found = chr(code)
    return found if _may_be_marked(found) else "\ufffd"


def row(headers: Sequence[str], cells: Sequence[str], number: int, of: int) -> str:
    """A row of a table as one line: its place, then each column's name and value; empty ones are not said."""
    said = [f"{header} {cell}" if header else cell for header, cell in zip(headers, cells, strict=False) if cell]
    return f"{number} of {of}: {', '.join(said)}"
