"""The header of an age file, checked to the last bit before any other code sees the file. Pure.

The grammar is that of the C2SP specification of age v1. What it would let through and we do not: too many recipients, a header or
a file that is too large, passphrases (their price is set by who wrote the file). Stanzas of kinds that are not known are skipped, as
the specification asks; a file that has no other ones is not supported.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

MOST_STANZAS = 256
MOST_HEADER = 96 * 1024
MOST_FILE = 272 * 1024 * 1024
"""Bytes: the largest blob, its chunks' tags, a header."""
MOST_WORK = 20
"""Of scrypt, as a power of two; what costs more is called hostile even where passphrases are allowed."""

_INTRO = b"age-encryption.org/v1\n"
_ARGUMENT = re.compile(rb"[\x21-\x7e]+")
_BODY = re.compile(rb"[A-Za-z0-9+/]*")
_FULL = 64
_NONCE, _TAG = 16, 16
_POST_QUANTUM = ("mlkem768x25519", "mlkem768p256tag", "p256tag")


class BadHeader(ValueError):
    """No age file, or a damaged one. The text says what is wrong."""


class Unsupported(BadHeader):
    """A sound age file of a kind that is not opened here. The text says which."""


@dataclass(frozen=True, slots=True)
class Stanza:
    """One recipient's part of the header."""

    type: str
    arguments: tuple[str, ...]
    body: bytes


def check(data: bytes) -> list[Stanza]:
    """The stanzas of a binary age file whose X25519 recipients may be tried.

    :raises Unsupported: a passphrase, or none but unknown kinds of recipients.
    :raises BadHeader: anything else that is not exactly as specified, or too large.
    """
    if len(data) > MOST_FILE:
        raise BadHeader(f"it is larger than {MOST_FILE} bytes")
    stanzas, after = parse(data)
    kinds = {stanza.type for stanza in stanzas}
    if "scrypt" in kinds:
        _check_scrypt(stanzas)
        raise Unsupported("it is sealed with a passphrase, which is not taken from others")
    for stanza in stanzas:
        if stanza.type == "X25519":
            _check_x25519(stanza)
    if kinds & set(_POST_QUANTUM):
        raise Unsupported(f"it is sealed to recipients of the kind {min(kinds & set(_POST_QUANTUM))}")
    if "X25519" not in kinds:
        raise Unsupported(f"none of its recipients is of a kind that is known here: {', '.join(sorted(kinds))[:200]}")
    if len(data) - after < _NONCE + _TAG:
        raise BadHeader("it ends before its content")
    return stanzas


def parse(data: bytes) -> tuple[list[Stanza], int]:
    """The stanzas, and where the content begins. Raises :class:`BadHeader`."""
    if not data.startswith(_INTRO):
        raise BadHeader("it does not begin as an age file of version 1")
    lines = _Lines(data, len(_INTRO))
    stanzas: list[Stanza] = []
    while True:
        line = lines.next()
        if line.startswith(b"---"):
            break
        if len(stanzas) == MOST_STANZAS:
            raise BadHeader(f"it has more than {MOST_STANZAS} recipients")
        stanzas.append(_stanza(line, lines))
    if not stanzas:
        raise BadHeader("it has no recipient")
    if not line.startswith(b"--- ") or len(_decoded(line[4:], "the last line of the header")) != 32:
        raise BadHeader("the last line of the header is not of its form")
    return stanzas, lines.at


class _Lines:
    """Line by line, never further than a header may go."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def next(self) -> bytes:
        end = self._data.find(b"\n", self.at, MOST_HEADER)
        if end < 0:
            large = len(self._data) >= MOST_HEADER
            raise BadHeader(f"its header is larger than {MOST_HEADER} bytes" if large else "its header has no end")
        line = self._data[self.at : end]
        self.at = end + 1
        return line


def _stanza(first: bytes, lines: _Lines) -> Stanza:
    if not first.startswith(b"-> "):
        raise BadHeader("a line of the header is out of place")
    words = first[3:].split(b" ")
    if not all(_ARGUMENT.fullmatch(word) for word in words):
        raise BadHeader("a recipient's line is not of words with one space between")
    body = b""
    while True:
        line = lines.next()
        if len(line) > _FULL or not _BODY.fullmatch(line):
            raise BadHeader("a recipient's body is not of lines of 64 columns, the last one shorter")
        body += line
        if len(line) < _FULL:
            break
    arguments = tuple(word.decode("ascii") for word in words[1:])
    return Stanza(words[0].decode("ascii"), arguments, _decoded(body, "a recipient's body"))


def _decoded(text: bytes, what: str) -> bytes:
    """Unpadded canonical base64."""
    if not _BODY.fullmatch(text) or len(text) % 4 == 1:
        raise BadHeader(f"{what} is not base64")
    clear = base64.b64decode(text + b"=" * (-len(text) % 4))
    if base64.b64encode(clear).rstrip(b"=") != text:
        raise BadHeader(f"{what} is not canonical base64")
    return clear


def _check_x25519(stanza: Stanza) -> None:
    if len(stanza.arguments) != 1 or len(_decoded(stanza.arguments[0].encode(), "a recipient's share")) != 32:
        raise BadHeader("an X25519 recipient has one share of 32 bytes")
    if len(stanza.body) != 32:
        raise BadHeader("an X25519 recipient has a body of 32 bytes")


def _check_scrypt(stanzas: list[Stanza]) -> None:
    if len(stanzas) != 1:
        raise BadHeader("a passphrase stands beside other recipients")
    (stanza,) = stanzas
    if (
        len(stanza.arguments) != 2
        or len(_decoded(stanza.arguments[0].encode(), "the salt")) != 16
        or len(stanza.body) != 32
    ):
        raise BadHeader("a passphrase has a salt of 16 bytes, a work factor, and a body of 32 bytes")
    work = stanza.arguments[1]
    if not re.fullmatch(r"[1-9][0-9]{0,2}", work) or int(work) > MOST_WORK:
        raise BadHeader(f"a passphrase's work factor is a number from 1 to {MOST_WORK}")
