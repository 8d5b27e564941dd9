"""A record on its own: what it says, where it belongs, who stands for it, all in one signed text. Pure.

    {"record": {…, "ucxl": <address>, "content_hash": <sha-256 of all the rest>}, "signed_by": <peer id>, "sig": <hex>}

Canonical JSON. It is signed first and sealed then, so that only who may read it sees who signed; and because address and hash
stand inside of what is signed, a record that somebody moves to another place, or changes, is found out by whoever opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chorus_tui.engine.protocol import canonical, identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity

TAG = "record"
LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """A record whose signature, address and hash were checked. ``digest`` is that of its content, as announcements name it."""

    content: dict[str, Any]
    signed_by: str
    digest: str


def whole(content: dict[str, Any]) -> bytes:
    """The content with its hash, as every peer makes it of the same facts. Raises :class:`WireError`."""
    return canonical.encode({**content, "content_hash": canonical.sha256_hex(canonical.encode(content))})


def digest_of(content: bytes) -> str:
    """How announcements name a content."""
    return f"sha256:{canonical.sha256_hex(content)}"


def sign(content: bytes, me: Identity) -> bytes:
    """The whole text; ``content`` is what :func:`whole` made."""
    value = canonical.decode(content, limit=LARGEST)
    return canonical.encode(
        {"record": value, "signed_by": me.peer_id, "sig": me.sign(identity.RECORD, content)},
    )


def read(raw: bytes, address: str) -> Record:
    """Check a text that was found under ``address``. Raises :class:`WireError`; its text says what is wrong."""
    value = canonical.decode(raw, limit=LARGEST)
    if not isinstance(value, dict) or set(value) != {"record", "signed_by", "sig"}:
        raise WireError("bad_record", "It is no record: record, signed_by and sig are expected")
    content, signed_by, sig = value["record"], value["signed_by"], value["sig"]
    if not isinstance(content, dict) or not isinstance(signed_by, str) or not isinstance(sig, str):
        raise WireError("bad_record", "It is no record: record, signed_by and sig are of the wrong kind")
    text = canonical.encode(content)
    if not identity.verify(signed_by, identity.RECORD, text, sig):
        raise WireError("bad_signature", f"It is not signed by {signed_by}, who it says signed it")
    if content.get("ucxl") != address:
        raise WireError("wrong_address", f"It belongs under {content.get('ucxl')} and was found under {address}")
    rest = {name: part for name, part in content.items() if name != "content_hash"}
    if content.get("content_hash") != canonical.sha256_hex(canonical.encode(rest)):
        raise WireError("wrong_hash", "Its content is not what its hash says")
    return Record(content, signed_by, digest_of(text))
