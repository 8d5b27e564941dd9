"""What a CRDT update says, read without applying it. Pure; the library sees only what passed here.

The library trusts what it decodes: a length of 2^40 makes it allocate, and the process ends. So every update is first read
here, byte by byte, in its format (Yjs update, version 1), and refused unless it is what a shared text needs: pieces of text
and their deletion in one root text, each piece after those it builds on, all numbers in bounds.

An update speaks with *client ids*. Each belongs to one peer (:func:`client_of`), so nobody writes under another's id, and a peer's
pieces are told apart from all others by the id alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

ROOT = "text"
MOST_BYTES = 512 * 1024
"""Of one update."""
MOST_STATE = 16 << 20
"""Of a whole state."""
MOST_CLOCK = 1 << 21
"""Units (UTF-16) that one client id may insert in its life."""
_CHANCE_BITS = 32
_GC, _DELETED, _STRING = 0, 1, 4
_RIGHT, _LEFT, _SUB = 0x40, 0x80, 0x20


class BadUpdate(ValueError):
    """It is no update of a shared text, or out of bounds. The text says what is wrong."""


def prefix(author: str) -> int:
    """The first bits of all client ids of a peer."""
    return int.from_bytes(hashlib.sha256(f"collab client {author}".encode()).digest()[:3], "big") & 0x1FFFFF


def prefix_of(client: int) -> int:
    """Those of a client id."""
    return client >> _CHANCE_BITS


def client_of(author: str, chance: bytes) -> int:
    """A new client id of a peer, from 4 random bytes. At most 53 bits, so that every implementation can hold it."""
    return prefix(author) << _CHANCE_BITS | int.from_bytes(chance[:4], "big")


def after(client: int) -> int:
    """The next id of the same peer."""
    return prefix_of(client) << _CHANCE_BITS | (client + 1) % (1 << _CHANCE_BITS)


@dataclass(slots=True)
class Shape:
    """What an update contains and what it builds on. Ranges are ``[from, to)`` of a client's units."""

    inserted: dict[int, tuple[int, int]] = field(default_factory=dict)
    deleted: list[tuple[int, int, int]] = field(default_factory=list)
    """(client, from, to)."""
    needs: dict[int, int] = field(default_factory=dict)
    """By client, how far it must be known before this can be applied."""
    cuts: list[tuple[int, int]] = field(default_factory=list)
    """(client, clock): places before which something is put in, or a deletion begins or ends."""
    halves: dict[int, set[int]] = field(default_factory=dict)
    """By client, second halves of characters of two units: nothing may come before these."""

    def foreign(self, author: str) -> list[int]:
        """Clients under which it inserts, and which are not this peer's."""
        mine = prefix(author)
        return [client for client in self.inserted if prefix_of(client) != mine]

    def ready(self, known: dict[int, int]) -> bool:
        """Whether everything that it builds on is here."""
        return all(known.get(client, 0) >= clock for client, clock in self.needs.items())

    def holds(self, other: Shape) -> bool:
        """Whether all that the other inserts and deletes is in this one."""
        return all(
            client in self.inserted and self.inserted[client][0] <= start and end <= self.inserted[client][1]
            for client, (start, end) in other.inserted.items()
        ) and all(
            any(client == mine and first <= start and end <= last for mine, first, last in self.deleted)
            for client, start, end in other.deleted
        )

    def splits(self, halves: dict[int, set[int]]) -> bool:
        """Whether it would tear a character apart: of these, or of its own."""
        return any(
            clock in found
            for client, clock in self.cuts
            for found in (halves.get(client, ()), self.halves.get(client, ()))
        )


class _Reader:
    """Bytes from the front, never beyond their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        if self._at >= len(self._data):
            raise BadUpdate("it ends too early")
        self._at += 1
        return self._data[self._at - 1]

    def number(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift > 49:
                raise BadUpdate("a number is too large")
        if value >= 1 << 53:
            raise BadUpdate("a number is too large")
        return value

    def text(self) -> str:
        length = self.number()
        if length > len(self._data) - self._at:
            raise BadUpdate("a text is longer than the update")
        raw = self._data[self._at : self._at + length]
        self._at += length
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise BadUpdate("a text is not UTF-8") from None

    def end(self) -> None:
        if self._at != len(self._data):
            raise BadUpdate("something follows its end")


def read(data: bytes, most: int = MOST_BYTES) -> Shape:
    """What an update of at most so many bytes contains. Raises :class:`BadUpdate`. Every piece takes bytes, so all numbers of pieces
    are in bounds when the bytes are."""
    if len(data) > most:
        raise BadUpdate(f"it is larger than {most} bytes")
    reader, shape = _Reader(data), Shape()
    left: list[tuple[int, int]] = []
    for _ in range(_count(reader, len(data))):
        count = _count(reader, len(data))
        client, start = reader.number(), reader.number()
        if client in shape.inserted or not count:
            raise BadUpdate("a client stands in it twice, or with nothing")
        clock = start
        for _ in range(count):
            clock += _piece(reader, shape, (client, clock), left)
            if clock > MOST_CLOCK:
                raise BadUpdate(f"a client has inserted more than {MOST_CLOCK} characters")
        shape.inserted[client] = (start, clock)
        if start:
            left.append((client, start - 1))
    _deletions(reader, shape, len(data))
    reader.end()
    _note_needs(shape, left)
    return shape


def _count(reader: _Reader, most: int) -> int:
    count = reader.number()
    if count > most:
        raise BadUpdate(f"it claims {count} parts")
    return count


def _piece(reader: _Reader, shape: Shape, here: tuple[int, int], left: list[tuple[int, int]]) -> int:
    """One piece; its length. What it builds on goes to ``left``."""
    info = reader.byte()
    kind = info & 0x1F
    if kind == _GC:
        if info != _GC:
            raise BadUpdate("a collected piece has marks")
        return _length(reader)
    if info & _SUB or kind not in (_DELETED, _STRING):
        raise BadUpdate("it holds something else than text")
    for mark, beyond in ((_LEFT, 1), (_RIGHT, 0)):
        if info & mark:
            client, clock = reader.number(), reader.number()
            left.append((client, clock))
            shape.cuts.append((client, clock + beyond))
    if not info & (_LEFT | _RIGHT) and (reader.number() != 1 or reader.text() != ROOT):
        raise BadUpdate(f"it writes elsewhere than in {ROOT}")
    if kind == _DELETED:
        return _length(reader)
    text = reader.text()
    if not text:
        raise BadUpdate("a piece of text is empty")
    return _units(text, shape, here)


def _units(text: str, shape: Shape, here: tuple[int, int]) -> int:
    """How long it is; its second halves are noted."""
    if text.isascii():
        return len(text)
    client, clock = here
    for character in text:
        clock += 1
        if ord(character) > 0xFFFF:
            shape.halves.setdefault(client, set()).add(clock)
            clock += 1
    return clock - here[1]


def _length(reader: _Reader) -> int:
    length = reader.number()
    if not 0 < length <= MOST_CLOCK:
        raise BadUpdate("a length is out of bounds")
    return length


def _deletions(reader: _Reader, shape: Shape, size: int) -> None:
    for _ in range(_count(reader, size)):
        client = reader.number()
        for _ in range(_count(reader, size)):
            start, length = reader.number(), _length(reader)
            if start + length > MOST_CLOCK:
                raise BadUpdate("it deletes what cannot be there")
            shape.deleted.append((client, start, start + length))
            shape.cuts += [(client, start), (client, start + length)]


def _note_needs(shape: Shape, left: list[tuple[int, int]]) -> None:
    """Everything named that the update does not bring itself."""
    for client, start, end in [*((client, clock, clock + 1) for client, clock in left), *shape.deleted]:
        own = shape.inserted.get(client)
        wanted = min(own[0], end) if own is not None and end <= own[1] else end
        if wanted and not (own is not None and start >= own[0] and end <= own[1]):
            shape.needs[client] = max(shape.needs.get(client, 0), wanted)
