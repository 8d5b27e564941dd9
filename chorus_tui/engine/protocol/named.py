"""An entry of a feed as a decision names it: by author, epoch, number and hash. Pure.

All four belong together. A member may say of its own feed what it likes, also that an entry of another's hash stood there.
"""

from __future__ import annotations

from typing import Any

Named = tuple[str, str, int, str]
"""(author, epoch, seq, hash)."""


def named_entry(data: dict[str, Any]) -> Named | None:
    """The entry that a decision names, or None when it names none."""
    author, epoch, seq, hash_ = (data.get(name) for name in ("author", "epoch", "seq", "hash"))
    if isinstance(author, str) and isinstance(epoch, str) and type(seq) is int and isinstance(hash_, str):
        return (author, epoch, seq, hash_)
    return None
