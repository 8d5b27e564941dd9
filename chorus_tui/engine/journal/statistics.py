"""What the journal holds, in numbers: of all feeds, of each author, of each type. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chorus_tui.contract.models.journal import AuthorShare, TypeShare
from chorus_tui.engine.protocol import messages


@dataclass(frozen=True, slots=True)
class Tally:
    """Entries of one author and one type. ``bytes`` of headers and bodies; a withheld body is one that nobody erased and that
    is not here; an unreadable one does not fit its type."""

    author: str
    type: str
    entries: int
    bytes: int
    erased: int
    withheld: int
    unreadable: int


def by_author(tallies: Iterable[Tally]) -> list[AuthorShare]:
    """Largest first."""
    found: dict[str, AuthorShare] = {}
    for tally in tallies:
        share = found.get(tally.author) or AuthorShare(author=tally.author, entries=0, bytes=0, erased=0)
        found[tally.author] = share.model_copy(update=_sum(share, tally))
    return sorted(found.values(), key=lambda share: (-share.bytes, share.author))


def by_type(tallies: Iterable[Tally]) -> list[TypeShare]:
    """Largest first, each with the original's log type."""
    found: dict[str, TypeShare] = {}
    for tally in tallies:
        fresh = TypeShare(type=tally.type, log_type=messages.log_type(tally.type), entries=0, bytes=0, erased=0)
        share = found.get(tally.type) or fresh
        found[tally.type] = share.model_copy(update=_sum(share, tally))
    return sorted(found.values(), key=lambda share: (-share.bytes, share.type))


def _sum(share: AuthorShare | TypeShare, tally: Tally) -> dict[str, int]:
    return {
        "entries": share.entries + tally.entries,
        "bytes": share.bytes + tally.bytes,
        "erased": share.erased + tally.erased,
    }
