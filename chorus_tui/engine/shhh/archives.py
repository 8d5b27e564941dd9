"""Looks into a file for secrets, also into archives in it: tar, gzip, bzip2, zip, one in another. Nothing is ever written.

Bounded: so many bytes are unpacked, so many members, so deep, so long. What unpacks to a multiple that no honest file has is a
bomb, and is told as one; of what is merely large the first part is looked at, and that is told too, as is every archive that
cannot be opened here: nobody knows what is in it. Run it in a thread.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from chorus_tui.engine.shhh.rules import Severity
from chorus_tui.engine.shhh.scanner import Finding

UNPACKED = 64 << 20
MEMBERS = 16_384
TABLE = 1 << 20
"""Bytes that the table of an archive's members has at most, which is read at once."""
DEEPEST = 3
MOST_TOLD = 100
PIECE = 1 << 20
OVERLAP = 64 << 10
"""Bytes that two pieces share, more than a private key has."""
REACH = 4 << 10
"""Bytes before a secret in which what gives it away may stand."""
BOMB = 200
"""Times its size that a file may unpack to."""
BOMB_FROM = 16 << 20
"""Less than this is no bomb, whatever it was before."""
LONGEST_S = 10.0
"""Seconds for a small file, whatever it unpacks to."""
SLOWEST = 2 << 20
"""Bytes of a file's own size for which there is one second more: plain text is looked through many times as fast."""
_OPENED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"PK\x07\x08": "zip"}
CLOSED = {
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x04\x22\x4d\x18": "lz4",
    b"!<arch>\n": "ar",
}
"""How archives begin that are not opened here: nothing bounds what opening them costs, or nothing here can."""
_TAR = b"ustar"
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
"""With a first block, or the end of an empty stream: the three letters alone begin a text, too."""
_LZMA_ALONE = struct.Struct("<BIQB")
"""Properties, size of the dictionary, size unpacked or :data:`_UNKNOWN`, and the first byte of the stream, which is 0."""
_UNKNOWN = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Place:
    """A finding in a file. ``where`` is the path inside archives, if any, and the byte."""

    rule: str
    severity: Severity
    where: str
    secret: bytes = field(repr=False)


@dataclass(slots=True)
class Look:
    """What was seen."""

    places: list[Place] = field(default_factory=list)
    bomb: bool = False
    cut: str = ""
    """Why not all of it was looked at; empty when all was."""


class _Over(Exception):
    """The bounds are reached."""


class Inspector:
    """Of one file."""

    def __init__(
        self, find: Callable[[bytes], list[Finding]], size: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._find = find
        self._size = max(size, 1)
        self._clock = clock
        self._until = clock() + LONGEST_S + size / SLOWEST
        self._unpacked = 0
        self._members = 0
        self._told: set[tuple[str, str]] = set()
        self.look = Look()

    def whole(self, source: IO[bytes]) -> Look:
        """What is seen until the bounds are reached."""
        try:
            self._inspect(source, "")
        except _Over:
            return self.look
        return self.look

    def _inspect(self, source: IO[bytes], name: str, depth: int = 0) -> None:
        """The bytes themselves, then what they hold when they are an archive."""
        start = source.read(512)
        source.seek(0)
        self._scan(source, name, counted=depth > 0)
        begins = _packing(start)
        # A zip is read from its end: something may stand before it, another archive too.
        for packed in filter(None, (begins, "zip" if begins != "zip" and _ends_as_zip(source) else "")):
            if len(self.look.places) < MOST_TOLD:
                self._open(packed, source, name, depth)

    def _open(self, packed: str, source: IO[bytes], name: str, depth: int) -> None:
        if depth >= DEEPEST or packed in (*CLOSED.values(), "lzma"):
            deep = f"archives more than {DEEPEST} deep"
            self.look.cut = deep if depth >= DEEPEST else f"an archive of a kind ({packed}) that is not opened here"
            return
        source.seek(0)
        try:
            self._unpacked_by(packed, source, name, depth)
        except (
            OSError,
            EOFError,
            tarfile.TarError,
            zipfile.BadZipFile,
            zlib.error,
            lzma.LZMAError,
            NotImplementedError,
            RuntimeError,
            # What the standard library stumbles over in places and lengths that somebody made up.
            ValueError,
            OverflowError,
            LookupError,
            struct.error,
        ):
            self.look.cut = "an archive that is damaged, encrypted, or packed in a way that is not known here"

    def _unpacked_by(self, packed: str, source: IO[bytes], name: str, depth: int) -> None:
        if packed in ("zip", "tar"):
            for inner, member in self._zip(source) if packed == "zip" else self._tar(source):
                self._inspect(member, f"{name}/{inner}", depth + 1)
        else:
            with gzip.GzipFile(fileobj=source) if packed == "gzip" else bz2.BZ2File(source) as unpacked:
                self._inspect(self._spooled(unpacked), name, depth + 1)

    def _scan(self, source: IO[bytes], name: str, *, counted: bool) -> None:
        offset, text = 0, source.read(PIECE)
        while text:
            following = source.read(PIECE)
            self._in_time()
            if counted:
                self._count(len(text) - (OVERLAP if offset else 0))
            for one in self._find(text):
                # What lies in the part that the next piece has too is found there, whole; but for the first of it, which may be known
                # only by what stands before that part, and is told by both.
                if not following or one.start < len(text) - OVERLAP + REACH:
                    self._tell(one, f"{name}@{offset + one.start}")
            kept = text[-OVERLAP:]
            offset += len(text) - len(kept)
            text = kept + following if following else b""

    def _tell(self, one: Finding, where: str) -> None:
        if (where, one.rule) not in self._told and len(self.look.places) < MOST_TOLD:
            self._told.add((where, one.rule))
            self.look.places.append(Place(one.rule, one.severity, where.lstrip("/"), one.secret))

    def _count(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > max(BOMB_FROM, BOMB * self._size):
            self.look.bomb = True
            raise _Over
        if self._unpacked > UNPACKED:
            self.look.cut = f"more than {UNPACKED >> 20} MiB unpacked"
            raise _Over

    def _in_time(self) -> None:
        if self._clock() > self._until:
            self.look.cut = "it takes too long"
            raise _Over

    # ── archives ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _zip(self, source: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
        with zipfile.ZipFile(_Narrow(source)) as archive:
            for info in archive.infolist():
                # What is named as a folder may have bytes all the same.
                if self._next(is_file=not info.is_dir() or info.file_size > 0):
                    with archive.open(info) as member:
                        yield info.filename, self._spooled(member)

    def _tar(self, source: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
        with tarfile.open(fileobj=cast("IO[bytes]", _Narrow(source)), mode="r:") as archive:
            for info in archive:
                member = archive.extractfile(info) if self._next(is_file=info.isfile()) else None
                if member is not None:
                    yield info.name, self._spooled(member)

    def _next(self, *, is_file: bool) -> bool:
        self._members += 1
        if self._members > MEMBERS:
            self.look.cut = f"more than {MEMBERS} members"
            raise _Over
        return is_file

    def _spooled(self, packed: IO[bytes] | gzip.GzipFile | bz2.BZ2File) -> IO[bytes]:
        """Unpacked into memory, as far as the bounds go: what is in it is read twice."""
        made = io.BytesIO()
        room = min(UNPACKED, max(BOMB_FROM, BOMB * self._size)) - self._unpacked
        while piece := packed.read(PIECE):
            self._in_time()
            made.write(piece)
            if made.tell() > room:
                self._count(made.tell())
        made.seek(0)
        return made


class _Narrow:
    """An archive as its reader sees it: what wants more at once than a table of members may have is refused."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.seek, self.tell, self.seekable = source.seek, source.tell, source.seekable

    def read(self, size: int = -1) -> bytes:
        """Raises ``ValueError``, which is told as damage."""
        data = self._source.read(min(size, TABLE + 1) if size >= 0 else TABLE + 1)
        if len(data) > TABLE:
            raise ValueError(f"more than {TABLE} bytes at once")
        return data


def _packing(start: bytes) -> str:
    """What kind of archive begins so; empty for none."""
    if start[257:262] == _TAR:
        return "tar"
    if _BZIP2.match(start):
        return "bzip2"
    if _begins_as_lzma(start):
        return "lzma"
    return next((kind for beginning, kind in (_OPENED | CLOSED).items() if start.startswith(beginning)), "")


def _begins_as_lzma(start: bytes) -> bool:
    """Whether this is LZMA without a container, which has no mark: its header in a form that encoders write."""
    if len(start) < _LZMA_ALONE.size:
        return False
    properties, dictionary, size, first = _LZMA_ALONE.unpack_from(start)
    # Encoders take 2^n or 2^n + 2^(n-1) bytes, or all that there are; 4 KiB is the least.
    round_ = dictionary == 0xFFFFFFFF or (dictionary >= 4096 and bin(dictionary).rstrip("0") in ("0b1", "0b11"))
    return properties < 225 and round_ and (size == _UNKNOWN or 0 < size < 1 << 38) and first == 0


def _ends_as_zip(source: IO[bytes]) -> bool:
    """Whether a zip ends here, with a table of members where its end says: the four bytes of its mark alone are no zip."""
    try:
        with zipfile.ZipFile(_Narrow(source)):
            return True
    except zipfile.BadZipFile:
        return False
    except (OSError, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError, LookupError, struct.error):
        return True  # there is one, and opening it says what is wrong


def inspect(path: Path, find: Callable[[bytes], list[Finding]]) -> Look:
    """What a file holds. Raises ``OSError`` when it cannot be read."""
    with path.open("rb") as source:
        return Inspector(find, path.stat().st_size).whole(source)
