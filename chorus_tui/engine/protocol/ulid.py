"""ULIDs (ulid/spec): ids that sort by the time they were made."""

from __future__ import annotations

from typing import Final

PATTERN: Final = r"^[0-9A-HJKMNP-TV-Z]{26}$"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(unix_s: float, chance: bytes) -> str:
    """A ULID of this time and 80 random bits."""
    return encode((int(unix_s * 1000) & ((1 << 48) - 1)) << 80 | int.from_bytes(chance[:10], "big"))


def encode(number: int) -> str:
    """128 bits as a ULID is written."""
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
