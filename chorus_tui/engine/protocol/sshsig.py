"""Signatures as ``ssh-keygen -Y sign`` makes them, of ed25519 keys in files, agents and hardware. Pure; nothing is run.

The form is OpenSSH's (its PROTOCOL.sshsig; for keys in hardware PROTOCOL.u2f). The signature names its key itself: whose key that is,
others know. Only what ``ssh-keygen`` writes by default is taken: version 1, SHA-512; of hardware, only a signature for which
somebody touched it.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import re
from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

MOST_CHARACTERS: Final = 1_024
"""Of a signature in one line; those that are taken have less than 500."""

_MAGIC: Final = b"SSHSIG"
_ARMOR: Final = re.compile(r"\s*-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END SSH SIGNATURE-----\s*")
_HASH: Final = b"sha512"
_PLAIN: Final = b"ssh-ed25519"
_HARDWARE: Final = b"sk-ssh-ed25519@openssh.com"
_TOUCHED: Final = 1


class BadSignature(ValueError):
    """The signature is none, or not one of this text. The words say why."""


def unarmored(text: str) -> str:
    """What stands between the lines of an armored signature, in one line. Raises :class:`BadSignature`."""
    found = _ARMOR.fullmatch(text) if len(text) <= 2 * MOST_CHARACTERS else None
    if found is None:
        raise BadSignature("no signature as 'ssh-keygen -Y sign' writes it")
    return "".join(found[1].split())


def armored(line: str) -> str:
    """As ``ssh-keygen`` writes it and reads it."""
    rows = [line[at : at + 70] for at in range(0, len(line), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *rows, "-----END SSH SIGNATURE-----", ""])


@functools.lru_cache(maxsize=4096)
def signer(text: str, namespace: str, line: str) -> tuple[str, str]:
    """The public key that signed ``text`` and an empty text; or an empty one and why none did. ``line`` is unarmored."""
    try:
        return _signer(text.encode(), namespace.encode(), line), ""
    except BadSignature as error:
        return "", str(error)


def _signer(message: bytes, namespace: bytes, line: str) -> str:
    try:
        blob = base64.b64decode(line, validate=True) if len(line) <= MOST_CHARACTERS else b""
    except (binascii.Error, ValueError):
        blob = b""
    if not blob.startswith(_MAGIC) or blob[6:10] != (1).to_bytes(4, "big"):
        raise BadSignature("its signature is not of the form that is taken")
    key, said, reserved, hash_, signature = _strings(blob[10:], 5)
    if said != namespace:
        raise BadSignature("its signature was made for another purpose than to vote")
    if hash_ != _HASH:
        raise BadSignature("its signature is not over SHA-512, which ssh-keygen uses unless it is told otherwise")
    digest = hashlib.sha512(message).digest()
    signed = _MAGIC + b"".join(_string(part) for part in (said, reserved, hash_, digest))
    _verify(key, signature, signed)
    return f"{_kind(key).decode()} {base64.b64encode(key).decode()}"


def _verify(key: bytes, signature: bytes, signed: bytes) -> None:
    named = _kind(key)
    if named not in (_PLAIN, _HARDWARE):
        raise BadSignature("its signature is of a kind of key that nobody can be enrolled with")
    kind, point, *more = _strings(key, 3 if named == _HARDWARE else 2)
    if kind == _HARDWARE:
        said, raw, flags = _strings(signature, 2, rest=5)
        if not flags[0] & _TOUCHED:
            raise BadSignature("its signature was made without a touch of the key")
        signed = hashlib.sha256(more[0]).digest() + flags + hashlib.sha256(signed).digest()
    else:
        said, raw = _strings(signature, 2)
    if said != kind or len(point) != 32 or len(raw) != 64:
        raise BadSignature("its signature is not of the form that is taken")
    try:
        VerifyKey(point).verify(signed, raw)
    except (BadSignatureError, ValueError):
        raise BadSignature("its signature is not of this vote: something else was signed") from None


def _kind(key: bytes) -> bytes:
    return key[4 : 4 + int.from_bytes(key[:4], "big")]


def _strings(blob: bytes, count: int, rest: int = 0) -> list[bytes]:
    """So many strings with their lengths before them, and the ``rest`` bytes that follow; no byte more."""
    found, at = [], 0
    for _ in range(count):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "big")
        if at + 4 > len(blob) or end > len(blob):
            raise BadSignature("its signature is cut off")
        found.append(blob[at + 4 : end])
        at = end
    if len(blob) - at != rest:
        raise BadSignature("its signature is not of the form that is taken")
    return [*found, blob[at:]] if rest else found


def _string(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part
