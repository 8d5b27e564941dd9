"""A peer's Ed25519 identity and its libp2p peer id, without libp2p.

The peer id is the base58 form of the identity multihash of the protobuf-encoded public key (libp2p peer-ids spec), so
a signature can be checked with nothing but the id. Every signature covers a domain prefix, so that bytes signed for
one purpose never count for another.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import Final, Self

import base58
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from chorus_tui.engine.protocol.canonical import remember

_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
_ID_PREFIX: Final = bytes.fromhex(
    "002408011220"
)  # identity multihash of 36 bytes; protobuf: type 1 (Ed25519), 32 bytes
_KEY_PREFIX: Final = bytes.fromhex("08011240")  # protobuf of a private key: type 1, 64 bytes (seed, public key)

FEED: Final = b"chorus/feed/1\0"
CONTROL: Final = b"chorus/control/1\0"
ACK: Final = b"chorus/ack/1\0"
VOTE: Final = b"chorus/vote/1\0"
TRANSFER: Final = b"chorus/transfer/1\0"
REQUEST: Final = b"chorus/request/1\0"
ADDRESSES: Final = b"chorus/addresses/1\0"
RECORD: Final = b"chorus/record/1\0"


class Identity:
    """The private key of this peer. ``str()`` and ``repr()`` show the peer id only."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)
        self.peer_id = base58.b58encode(_ID_PREFIX + bytes(self._key.verify_key)).decode()

    @classmethod
    def generate(cls) -> Self:
        """A new identity from the operating system's randomness."""
        return cls(bytes(SigningKey.generate()))

    @classmethod
    def from_key_file(cls, data: bytes) -> Self:
        """Read libp2p's private-key protobuf. Raises ValueError when it is no Ed25519 key."""
        if len(data) != len(_KEY_PREFIX) + 64 or not data.startswith(_KEY_PREFIX):
            raise ValueError("not an Ed25519 private key in libp2p's format")
        identity = cls(data[4:36])
        if bytes(identity._key.verify_key) != data[36:]:
            raise ValueError("the public part does not belong to the private part")
        return identity

    def key_file(self) -> bytes:
        """The private key in libp2p's protobuf form, for a file of mode 0600."""
        return _KEY_PREFIX + bytes(self._key) + bytes(self._key.verify_key)

    @property
    def seed(self) -> bytes:
        """The 32-byte seed, for the mesh only."""
        return bytes(self._key)

    def sign(self, domain: bytes, message: bytes) -> str:
        """Signature of ``message`` in ``domain``, hex."""
        return self._key.sign(domain + message).signature.hex()

    def __repr__(self) -> str:
        return f"Identity({self.peer_id})"


def is_peer_id(text: str) -> bool:
    """Whether ``text`` is the peer id of an Ed25519 key."""
    try:
        _verify_key(text)
    except ValueError:
        return False
    return True


def verify(peer_id: str, domain: bytes, message: bytes, signature: str) -> bool:
    """Whether ``signature`` (lower-case hex, so that one signature has one form) is that of ``peer_id`` over ``message`` in
    ``domain``. Never raises."""
    try:
        if not _SIGNATURE.fullmatch(signature):
            return False
        key, signed, raw = _verify_key(peer_id), domain + message, bytes.fromhex(signature)
        # Key and signature have fixed lengths, so that no two questions are one; a wrong one is never in here.
        question = hashlib.sha256(b"".join((bytes(key), raw, signed))).digest()
        if question in _FOUND_GOOD:
            return True
        key.verify(signed, raw)
    except (BadSignatureError, ValueError, TypeError):
        return False
    remember(_FOUND_GOOD, question, REMEMBERED)
    return True


REMEMBERED: Final = 4096
_FOUND_GOOD: dict[bytes, None] = {}
"""Questions to :func:`verify` whose answer was yes. What is heard by gossip comes again from whoever replicates, and what was
stored comes again with its certificate: to ask a hash costs a fiftieth of asking the curve."""


@functools.lru_cache(maxsize=4096)
def _verify_key(peer_id: str) -> VerifyKey:
    if len(peer_id) > 64:
        raise ValueError("too long for a peer id")
    raw = base58.b58decode(peer_id)
    if len(raw) != 38 or not raw.startswith(_ID_PREFIX):
        raise ValueError("not the peer id of an Ed25519 key")
    return VerifyKey(raw[6:])


def short(peer_id: str) -> str:
    """The last eight characters, for people; the first ones are the same for all Ed25519 peers."""
    return peer_id[-8:]
