"""Age's armour, read strictly: the text form of an age file back to its bytes. Pure.

By the C2SP specification: the two boundary lines, between them base64 in lines of 64 columns, the last one shorter or as long but
never empty, canonical padding; white space is allowed before the first boundary and after the last, and nowhere else.
"""

from __future__ import annotations

import base64
import re

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
_END = b"-----END AGE ENCRYPTED FILE-----"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_COLUMNS = 64


class BadArmor(ValueError):
    """Not the text form of an age file. The text says where."""


def is_armored(data: bytes) -> bool:
    """Whether it means to be."""
    return data.lstrip(b" \t\r\n").startswith(BEGIN[:10])


def to_binary(data: bytes) -> bytes:
    """The age file in it. Raises :class:`BadArmor`."""
    text = data.strip(b" \t\r\n").replace(b"\r\n", b"\n")
    lines = text.split(b"\n")
    if lines[0] != BEGIN:
        raise BadArmor("the first line is not the one that begins an armoured age file")
    if len(lines) < 3 or lines[-1] != _END:
        raise BadArmor("the line that ends an armoured age file is missing")
    body = lines[1:-1]
    for number, line in enumerate(body, 2):
        last = number == len(body) + 1
        if not _BASE64.fullmatch(line) or (b"=" in line and not last):
            raise BadArmor(f"line {number} holds more than base64")
        if len(line) > _COLUMNS or not line or (len(line) < _COLUMNS and not last):
            raise BadArmor(f"line {number} is not of {_COLUMNS} columns")
    joined = b"".join(body)
    if len(joined) % 4:
        raise BadArmor("the last line has no padding")
    binary = base64.b64decode(joined)
    if base64.b64encode(binary) != joined:
        raise BadArmor("the base64 is not canonical")
    return binary
