"""Reading a tar stream that a hostile program may have written. Pure: bytes in, events out; nothing touches a disk.

Only what files and links need is understood (ustar, GNU long names, the pax fields ``path``, ``linkpath`` and
``size``). Everything is bounded before it is held. Names and targets are data to be judged, not paths to be opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

BLOCK = 512
_META_LIMIT = 64 * 1024
_META = b"LKxg"

Kind = Literal["file", "folder", "link", "hardlink", "other"]
_KINDS: dict[bytes, Kind] = {b"1": "hardlink", b"2": "link", b"5": "folder"}


class HostileTar(ValueError):
    """The stream is no tar archive, or one made to hurt. ``str()`` says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member begins. ``name`` is None when it is not UTF-8; ``kind`` is ``other`` for devices, pipes and the unknown."""

    name: str | None
    kind: Kind
    size: int
    raw_name: bytes = b""
    target: bytes = b""
    """Where a symbolic link points, or which member a hard link repeats; as it was written."""
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """The next bytes of the file that began last."""

    piece: bytes


@dataclass(frozen=True, slots=True)
class MemberEnd:
    """The file that began last is complete."""


Event = Member | Data | MemberEnd


class TarReader:
    """Feed it the stream; it yields events. ``finished`` once the archive's end was seen."""

    def __init__(self) -> None:
        self.finished = False
        self._buffer = bytearray()
        self._left = 0
        self._padding = 0
        self._meta: bytes = b""
        self._meta_data = bytearray()
        self._in_file = False
        self._name: bytes | None = None
        self._target: bytes | None = None
        self._size: int | None = None

    def feed(self, data: bytes) -> Iterator[Event]:
        """Decode more of the stream; raises :class:`HostileTar`."""
        self._buffer += data
        while not self.finished:
            if self._left:
                if not self._buffer:
                    return
                yield from self._body()
            elif self._padding:
                skip = min(self._padding, len(self._buffer))
                if not skip:
                    return
                del self._buffer[:skip]
                self._padding -= skip
            elif len(self._buffer) >= BLOCK:
                block = bytes(self._buffer[:BLOCK])
                del self._buffer[:BLOCK]
                yield from self._header(block)
            else:
                return

    def _body(self) -> Iterator[Event]:
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        if self._meta:
            self._meta_data += piece
            if not self._left:
                self._take_meta()
            return
        if self._in_file:
            yield Data(piece)
            if not self._left:
                self._in_file = False
                yield MemberEnd()

    def _header(self, block: bytes) -> Iterator[Event]:
        if not any(block):
            self.finished = True
            return
        if _checksum(block) != _number(block[148:156]):
            raise HostileTar("a header's checksum is wrong")
        kind, size = block[156:157], _number(block[124:136])
        self._padding = -size % BLOCK
        if kind in {bytes([c]) for c in _META}:
            if size > _META_LIMIT:
                raise HostileTar("a name or attribute is longer than 64 KiB")
            self._left, self._meta = size, kind
            self._meta_data.clear()
            if not size:
                self._meta = b""
            return
        yield from self._member(block, kind, size)

    def _member(self, block: bytes, kind: bytes, size: int) -> Iterator[Event]:
        raw = self._name if self._name is not None else _ustar_name(block)
        if self._size is not None:
            size = self._size
            self._padding = -size % BLOCK
        target = self._target if self._target is not None else block[157:257].split(b"\0", 1)[0]
        self._name = self._target = self._size = None
        try:
            name: str | None = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = None
        if kind in {b"0", b"\0", b"7"}:
            self._left, self._in_file = size, size > 0
            yield Member(name, "file", size, raw, executable=bool(_number(block[100:108]) & 0o100))
            if not size:
                yield MemberEnd()
            return
        # Links, devices and folders carry no body, whatever their size field says; GNU's sparse kind does.
        self._left = size if kind not in b"123456" else 0
        self._padding = self._padding if self._left else 0
        yield Member(name, _KINDS.get(kind, "other"), 0, raw, target if kind in b"12" else b"")

    def _take_meta(self) -> None:
        data, kind = bytes(self._meta_data), self._meta
        self._meta = b""
        self._meta_data.clear()
        if kind == b"L":
            self._name = data.split(b"\0", 1)[0]
        elif kind == b"K":
            self._target = data.split(b"\0", 1)[0]
        elif kind == b"x":
            fields = _pax(data)
            self._name = fields.get(b"path", self._name)
            self._target = fields.get(b"linkpath", self._target)
            if b"size" in fields:
                self._size = _decimal(fields[b"size"])
            if any(key.startswith(b"GNU.sparse") for key in fields):
                raise HostileTar("a sparse member")


def _ustar_name(block: bytes) -> bytes:
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _checksum(block: bytes) -> int:
    return sum(block[:148]) + 8 * 32 + sum(block[156:])


def _number(field: bytes) -> int:
    """An octal field, or GNU's base-256 for large ones; never negative."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise HostileTar("a negative or absurd number")
        return int.from_bytes(field[1:], "big")
    text = field.strip(b" \0")
    if not text:
        return 0
    if not all(c in b"01234567" for c in text):
        raise HostileTar("a number is not octal")
    return int(text, 8)


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 18:
        raise HostileTar("a size is no number")
    return int(text)


def _pax(data: bytes) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    while data:
        length_text, space, _ = data.partition(b" ")
        if not space or not length_text.isdigit() or len(length_text) > 6:
            raise HostileTar("a pax record has no length")
        length = int(length_text)
        record = data[len(length_text) + 1 : length]
        key, equals, value = record.partition(b"=")
        if length > len(data) or not equals or not value.endswith(b"\n"):
            raise HostileTar("a pax record is broken")
        fields[key] = value[:-1]
        data = data[length:]
    return fields
