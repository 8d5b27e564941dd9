"""Public keys as OpenSSH writes them, and the names of the persons that hold them: both sides read them alike. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import unicodedata
from typing import Final

NAME_LENGTH: Final = 64
LEAST_RSA_BITS: Final = 2048
MOST_RSA_BITS: Final = 16_384

_CURVES: Final = {
    "ecdsa-sha2-nistp256": b"nistp256",
    "ecdsa-sha2-nistp384": b"nistp384",
    "ecdsa-sha2-nistp521": b"nistp521",
}
_HARDWARE: Final = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
KINDS: Final = ("ssh-ed25519", *_CURVES, *_HARDWARE, "ssh-rsa")
SIGNING: Final = ("ssh-ed25519", "sk-ssh-ed25519@openssh.com")
"""Kinds of keys that persons sign with: the second one lies in hardware."""


def person_name(name: str) -> str:
    """A name that can stand in what was done: printable, without quotes. Raises ``ValueError``."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable() or any(sign in name for sign in '"\\'):
        raise ValueError(f"the person's name has at most {NAME_LENGTH} printable characters, no quotes, no backslash")
    return name


def signing_key(text: str) -> str:
    """A public key that a person may sign with, in its one form: kind and base64, no remark. Raises ``ValueError``."""
    kind, blob, _ = public_key(text.strip())
    if kind not in SIGNING:
        raise ValueError(f"a person signs with an ed25519 key, this is {kind}; 'ssh-keygen -t ed25519' makes one")
    return f"{kind} {base64.b64encode(blob).decode()}"


def fingerprint_of(key: str) -> str:
    """Of a key in the form of :func:`signing_key`, as ``ssh-keygen -l`` prints it."""
    return fingerprint(base64.b64decode(key.split()[1]))


def public_key(text: str) -> tuple[str, bytes, str]:
    """Kind, blob and comment of a public key as ``ssh-keygen`` writes it. Raises ``ValueError``."""
    words = text.split(None, 2)
    if len(words) < 2 or words[0] not in KINDS:
        kind = words[0] if words else ""
        if kind.startswith("-----BEGIN"):
            raise ValueError("that is a private key; the public one is in the file that ends with .pub")
        raise ValueError(f"{kind[:40]!r} is no kind of key that is taken; these are: {', '.join(KINDS)}")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the key is no base64; was it cut off when it was copied?") from None
    _check(words[0], blob)
    comment = "".join(sign for sign in (words[2] if len(words) > 2 else "") if sign.isprintable())
    return words[0], blob, comment


def _check(kind: str, blob: bytes) -> None:
    """Whether the blob is a key of its kind, whole and long enough. Raises ``ValueError``."""
    parts = parts_of(blob)
    if not parts or parts[0] != kind.encode():
        raise ValueError(f"this is no {kind} key; was it cut off when it was copied?")
    if kind == "ssh-rsa":
        bits = int.from_bytes(parts[2], "big").bit_length() if len(parts) == 3 else 0
        if not LEAST_RSA_BITS <= bits <= MOST_RSA_BITS:
            raise ValueError(f"an RSA key of {bits} bits; {LEAST_RSA_BITS} at least, better an ssh-ed25519 key")
    elif kind == "ssh-ed25519":
        if [len(part) for part in parts[1:]] != [32]:
            raise ValueError("an ed25519 key has 32 bytes; was it cut off when it was copied?")
    elif len(parts) != (4 if kind.startswith("sk-ecdsa") else 3) or (kind in _CURVES and parts[1] != _CURVES[kind]):
        raise ValueError(f"this is no whole {kind} key")


def parts_of(blob: bytes) -> list[bytes]:
    """The strings that a key is made of; none when it does not come out even."""
    parts, at = [], 0
    while at < len(blob):
        length = int.from_bytes(blob[at : at + 4], "big")
        if at + 4 + length > len(blob):
            return []
        parts.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    return parts


def fingerprint(blob: bytes) -> str:
    """SHA-256 of a public key, as OpenSSH writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
