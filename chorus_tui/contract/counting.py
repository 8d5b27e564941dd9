"""Numbers with their word, for people: engine and front count alike. Pure."""

from __future__ import annotations


def many(count: int, thing: str, things: str = "") -> str:
    """``1 file``, ``2 files``, ``1,000 files``; ``things`` where an *s* does not make it, as of an entry."""
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"
