"""Age recipients (``age1…``) as text: Bech32 of an X25519 public key, checked to the last character. Pure.

A recipient with a typing mistake in it is refused before it stands in the control log for ever.
"""

from __future__ import annotations

PREFIX = "age"
_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6
_KEY_BYTES = 32


def is_recipient(text: str) -> bool:
    """Whether ``text`` is an X25519 recipient of age."""
    return _payload(text, PREFIX) is not None


def secret_bytes(secret: str) -> bytes | None:
    """The 32 bytes of an ``AGE-SECRET-KEY-1…``, or None when it is none."""
    return _payload(secret.lower(), "age-secret-key-") if secret == secret.upper() else None


def secret_text(key: bytes) -> str:
    """Of 32 bytes, the ``AGE-SECRET-KEY-1…``."""
    bits = int.from_bytes(key, "big") << 4
    data = [bits >> shift & 31 for shift in range(255, -1, -5)]
    prefix = "age-secret-key-"
    check = _polymod(_expanded(prefix) + data + [0] * _CHECKSUM) ^ 1
    sum_ = [check >> 5 * (_CHECKSUM - 1 - n) & 31 for n in range(_CHECKSUM)]
    return (prefix + "1" + "".join(_CHARACTERS[value] for value in data + sum_)).upper()


def _payload(text: str, prefix: str) -> bytes | None:
    """The 32 bytes of lower-case Bech32 with this prefix; None when anything of it is wrong."""
    head, one, tail = text.rpartition("1")
    if head != prefix or not one or any(character not in _CHARACTERS for character in tail):
        return None
    data = [_CHARACTERS.index(character) for character in tail]
    if len(data) != 52 + _CHECKSUM or _polymod(_expanded(prefix) + data) != 1:
        return None
    bits = 0
    for value in data[:-_CHECKSUM]:
        bits = bits << 5 | value
    return None if bits & 15 else (bits >> 4).to_bytes(_KEY_BYTES, "big")


def _expanded(prefix: str) -> list[int]:
    return [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix]


def _polymod(values: list[int]) -> int:
    """BIP 173."""
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check
