"""The envelope of seed 0 and the feed entry that a durable one is.

A durable message *is* a feed entry: its envelope carries ``log = {epoch, seq, prev, hlc, sig}``. From the canonical
bytes of the envelope every peer derives the same two byte strings: the **body** (the envelope without ``log``) and the
**header** ``{author, epoch, seq, prev, hlc, topic, type, body_hash, body_size}``, which is what the author signed. A
chain still verifies when a body was erased, because only headers link.

What is said in a room travels **raw**: the message itself is the outermost object, with ``node_id`` as its author, and
``log`` beside its fields. :func:`author_of`, :func:`type_of` and :func:`data_of` read both forms.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final

from chorus_tui.engine.protocol import canonical, identity
from chorus_tui.engine.protocol.canonical import WireError

MAX_HOPS: Final = 16
PRIORITIES: Final = ("low", "medium", "high", "urgent")
RAW: Final = "hmmm_message"
"""The type that a raw message has as a feed entry."""
RAW_VERSION: Final = 1
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_EPOCH = re.compile(r"[0-9a-f]{32}")
_HASH = re.compile(r"[0-9a-f]{64}")
_SIG = re.compile(r"[0-9a-f]{128}")
_HLC = re.compile(r"[0-9]{1,15}:[0-9]{1,7}:[0-9A-Za-z]{1,64}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


@dataclass(frozen=True, slots=True)
class Header:
    """What an author signs; ``prev`` is the hash of the previous header of the same epoch, for ``seq`` 0 of the last
    own head the author knew, or None for its first entry ever."""

    author: str
    epoch: str
    seq: int
    prev: str | None
    hlc: str
    topic: str
    type: str
    body_hash: str
    body_size: int

    def encode(self) -> bytes:
        """The signed bytes."""
        return _header_bytes(self)


_FIELDS: Final = tuple(field.name for field in fields(Header))
REMEMBERED: Final = 512
"""Of each kind: the same entry comes by gossip, from whoever replicates, and goes to the disk."""


@functools.lru_cache(REMEMBERED)
def _header_bytes(header: Header) -> bytes:
    return canonical.encode({name: getattr(header, name) for name in _FIELDS})  # all are plain: nothing to copy


@functools.lru_cache(REMEMBERED)
def _read_header(signed: bytes) -> tuple[Header, str]:
    """A well-formed header and the hash of its bytes. Raises :class:`WireError`, each time anew."""
    value = canonical.decode(signed)
    try:
        header = Header(**value)
    except TypeError:
        raise WireError("bad_header", "A header has exactly nine fields") from None
    _need(isinstance(header.author, str) and identity.is_peer_id(header.author), "author")
    _check_place(header.epoch, header.seq, header.prev, header.hlc)
    _need(isinstance(header.topic, str) and 0 < len(header.topic) <= 256, "topic")
    _need(isinstance(header.type, str) and _TYPE.fullmatch(header.type), "type")
    _need(isinstance(header.body_hash, str) and _HASH.fullmatch(header.body_hash), "body_hash")
    _need(type(header.body_size) is int and 0 <= header.body_size <= canonical.MAX_MESSAGE, "body_size")
    return header, canonical.sha256_hex(signed)


@dataclass(frozen=True, slots=True)
class Entry:
    """A verified feed entry. ``body`` is None when it was erased or withheld; ``hash`` is that of the header bytes."""

    header: Header
    sig: str
    hash: str
    body: bytes | None
    envelope: dict[str, Any] | None

    @property
    def author(self) -> str:
        return self.header.author

    @property
    def type(self) -> str:
        return self.header.type

    @property
    def data(self) -> dict[str, Any]:
        """The message itself; empty when the body is not there."""
        return data_of(self.envelope) if self.envelope else {}

    @property
    def key(self) -> tuple[str, str, int]:
        """What one author must not say twice."""
        return (self.header.author, self.header.epoch, self.header.seq)

    def wire(self) -> bytes:
        """The canonical envelope with ``log``, as gossiped. Needs the body."""
        if self.envelope is None:
            raise ValueError("an entry without its body has no envelope")
        h = self.header
        log = {"epoch": h.epoch, "seq": h.seq, "prev": h.prev, "hlc": h.hlc, "sig": self.sig}
        return canonical.encode({**self.envelope, "log": log})


def timestamp(wall: float) -> str:
    """RFC 3339 with milliseconds, UTC."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make(type_: str, author: str, data: dict[str, Any], wall: float, **optional: Any) -> dict[str, Any]:
    """An envelope without ``log``. ``optional`` are fields of seed 0; None values are left out."""
    fields = {name: value for name, value in optional.items() if value is not None}
    return {"type": type_, "from": author, "timestamp": timestamp(wall), "data": data, **fields}


def make_raw(author: str, data: dict[str, Any], wall: float) -> dict[str, Any]:
    """A raw message without ``log``."""
    return {**data, "version": RAW_VERSION, "node_id": author, "timestamp": timestamp(wall)}


def is_raw(value: dict[str, Any]) -> bool:
    """Whether it is a raw message: an envelope has no ``node_id``, and a raw message no ``from``."""
    return "node_id" in value and "from" not in value


def author_of(value: dict[str, Any]) -> str:
    """The author that an envelope or a raw message names."""
    return str(value["node_id"] if is_raw(value) else value["from"])


def type_of(value: dict[str, Any]) -> str:
    """The message type; all raw messages have one."""
    return RAW if is_raw(value) else str(value["type"])


def data_of(value: dict[str, Any]) -> dict[str, Any]:
    """The message itself."""
    data: dict[str, Any] = value if is_raw(value) else value["data"]
    return data


def seal(
    envelope: dict[str, Any], topic: str, me: identity.Identity, *, epoch: str, seq: int, prev: str | None, hlc: str
) -> Entry:
    """Make the next entry of ``me``'s feed. Raises :class:`WireError` when it breaks a bound."""
    body = canonical.encode(envelope)
    header = Header(
        author=me.peer_id, epoch=epoch, seq=seq, prev=prev, hlc=hlc, topic=topic, type=type_of(envelope),
        body_hash=canonical.sha256_hex(body), body_size=len(body),
    )  # fmt: skip
    signed = header.encode()
    entry = Entry(header, me.sign(identity.FEED, signed), canonical.sha256_hex(signed), body, envelope)
    if len(entry.wire()) > canonical.MAX_MESSAGE:
        raise WireError("oversize", f"The message is larger than {canonical.MAX_MESSAGE} bytes; send it as a blob")
    return entry


def parse(data: bytes) -> dict[str, Any]:
    """Decode an envelope or a raw message (with or without ``log``) and check its shape, not the message inside.

    :raises WireError: reason as in :func:`canonical.decode`, or ``bad_envelope``.
    """
    value = canonical.decode(data)
    if data not in _FOUND_SOUND:
        _check_shape(value)
        if len(data) <= canonical.SMALL:
            canonical.remember(_FOUND_SOUND, data, REMEMBERED)
    checked: dict[str, Any] = value
    return checked


_FOUND_SOUND: Final[dict[bytes, None]] = {}
"""What :func:`parse` took, as :func:`canonical.decode` keeps it: read anew, and its shape not judged twice."""


def _check_shape(value: Any) -> None:
    if not isinstance(value, dict):
        raise WireError("bad_envelope", "An envelope is an object")
    raw = is_raw(value)
    author = "node_id" if raw else "from"
    _need(isinstance(value.get("type"), str) and _TYPE.fullmatch(value["type"]), "type")
    _need(isinstance(value.get(author), str) and identity.is_peer_id(value[author]), author)
    _need(isinstance(value.get("timestamp"), str) and _TIMESTAMP.fullmatch(value["timestamp"]), "timestamp")
    _need(
        type(value.get("version")) is int if raw else isinstance(value.get("data"), dict), "version" if raw else "data"
    )
    hops = value.get("hop_count", 0)
    _need(isinstance(hops, int) and not isinstance(hops, bool) and 0 <= hops <= MAX_HOPS, "hop_count")
    _need(value.get("priority", "medium") in PRIORITIES, "priority")
    for name in ("from_role", "project_id", "thread_id"):
        _need(isinstance(value.get(name, ""), str) and len(value.get(name, "")) <= 256, name)
    for name in ("to_roles", "required_expertise"):
        items = value.get(name, [])
        _need(
            isinstance(items, list) and len(items) <= 32 and all(isinstance(i, str) and len(i) <= 128 for i in items),
            name,
        )
    if "log" in value:
        _check_log(value["log"])


def entry_from_wire(data: bytes, topic: str) -> Entry:
    """Parse a durable message heard on ``topic`` and verify its signature (not its place in the chain).

    :raises WireError: also with reason ``not_durable`` (no ``log``) or ``bad_signature``.
    """
    return entry_of(parse(data), topic)


def entry_of(heard: dict[str, Any], topic: str) -> Entry:
    """The same of a message that was parsed already, which stays as it is."""
    value = dict(heard)
    log = value.pop("log", None)
    if log is None:
        raise WireError("not_durable", "A durable message carries its log fields")
    body = canonical.encode(value)
    header = Header(
        author=author_of(value), epoch=log["epoch"], seq=log["seq"], prev=log["prev"], hlc=log["hlc"], topic=topic,
        type=type_of(value), body_hash=canonical.sha256_hex(body), body_size=len(body),
    )  # fmt: skip
    signed = header.encode()
    if not identity.verify(header.author, identity.FEED, signed, log["sig"]):
        raise WireError("bad_signature", "The log signature is not the author's")
    return Entry(header, log["sig"], canonical.sha256_hex(signed), body, value)


def entry_from_header(signed: bytes, sig: str, body: bytes | None, *, verified: bool = False) -> Entry:
    """Rebuild a stored or replicated entry; verifies the signature, and the body against the header when there is one.

    ``verified`` skips the signature of what was checked before it was stored. A body that is no readable envelope still
    counts (``envelope`` None, ``body`` kept): a bad body never blocks a feed.
    """
    header, hash_ = _read_header(signed)
    _need(isinstance(sig, str) and _SIG.fullmatch(sig), "log.sig")
    if not verified and not identity.verify(header.author, identity.FEED, signed, sig):
        raise WireError("bad_signature", "The header's signature is not the author's")
    envelope = None
    if body is not None:
        if len(body) != header.body_size or canonical.sha256_hex(body) != header.body_hash:
            raise WireError("bad_body", "The body is not the one that the header names")
        try:
            envelope = parse(body)
            if author_of(envelope) != header.author or type_of(envelope) != header.type or "log" in envelope:
                envelope = None
        except WireError:
            envelope = None
    return Entry(header, sig, hash_, body, envelope)


def entry_from_own_disk(signed: bytes, sig: str, body: bytes | None) -> Entry:
    """Rebuild an entry that was checked and found readable before it was stored: parsed once more, its form not judged again.

    :raises WireError: when the disk does not hold what was stored.
    """
    try:
        header = Header(**canonical.reread(signed))
        envelope = None if body is None else canonical.reread(body)
    except (ValueError, TypeError) as error:
        raise WireError("bad_header", "The stored bytes are no entry") from error
    if body is not None and canonical.sha256_hex(body) != header.body_hash:
        raise WireError("bad_body", "The body is not the one that the header names")
    return Entry(header, sig, canonical.sha256_hex(signed), body, envelope)


def _check_log(log: Any) -> None:
    _need(isinstance(log, dict) and set(log) == {"epoch", "seq", "prev", "hlc", "sig"}, "log")
    _check_place(log["epoch"], log["seq"], log["prev"], log["hlc"])
    _need(isinstance(log["sig"], str) and _SIG.fullmatch(log["sig"]), "log.sig")


def _check_place(epoch: Any, seq: Any, prev: Any, hlc: Any) -> None:
    _need(isinstance(epoch, str) and _EPOCH.fullmatch(epoch), "log.epoch")
    _need(type(seq) is int and 0 <= seq <= canonical.MAX_INTEGER, "log.seq")
    _need(prev is None or (isinstance(prev, str) and _HASH.fullmatch(prev)), "log.prev")
    _need(prev is not None or seq == 0, "log.prev")
    _need(isinstance(hlc, str) and _HLC.fullmatch(hlc), "log.hlc")


def _need(condition: object, field: str) -> None:
    if not condition:
        raise WireError("bad_envelope", f"The field {field} is missing or not valid")
