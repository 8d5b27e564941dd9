"""Who keeps which blob, and what may go first: pure.

Every peer computes the same keepers from the same feeds and the same roster, without a word between them. The members
chosen for a bigger blob are those with the highest hash of (blob, member), so that a member that comes or goes moves
only the blobs it gains or leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

KEPT_BY_ALL: Final = 1 << 20
"""A blob of a record up to this many bytes is kept by every member."""
CHOSEN: Final = 3
"""Members besides its makers that keep a bigger one."""
CONFIRMATIONS: Final = 2
"""Others that must confirm to hold a blob before it is let go here."""


@dataclass(frozen=True, slots=True)
class Named:
    """A blob that something said in the mesh names. ``by`` are the members that keep it whatever its size (who announced,
    made or checked it); ``record``: the mesh has accepted what names it. ``size`` is what its author says, None when nothing does:
    a blob of another size is not kept for it. ``why`` is for people."""

    digest: str
    size: int | None
    by: frozenset[str]
    record: bool
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """A blob on this peer's disk; ``used`` is the wall time of its last use."""

    digest: str
    size: int
    used: float


def ranked(digest: str, members: Iterable[str]) -> list[str]:
    """Members by rendezvous hash, the first to keep the blob first."""
    return sorted(members, key=lambda member: hashlib.sha256(f"{digest}/{member}".encode()).digest(), reverse=True)


def keepers(named: Named, members: Collection[str]) -> frozenset[str]:
    """The members that pin a blob for what names it."""
    makers = named.by.intersection(members)
    if not named.record:
        return makers
    if named.size is not None and named.size <= KEPT_BY_ALL:
        return frozenset(members)
    return makers.union(ranked(named.digest, (member for member in members if member not in makers))[:CHOSEN])


def true_of(named: Named, size: int | None) -> bool:
    """Whether a blob of this size may be the one that is named; None for one that is not here."""
    return named.size is None or size is None or named.size == size


def may_go(held: Iterable[Held], pinned: Collection[str], before: float) -> list[Held]:
    """What may be let go, least recently used first: nothing pinned, and nothing used after ``before``."""
    idle = (blob for blob in held if blob.digest not in pinned and blob.used < before)
    return sorted(idle, key=lambda blob: (blob.used, blob.digest))
