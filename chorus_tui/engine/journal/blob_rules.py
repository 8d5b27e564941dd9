"""Who keeps a blob, and what may go when room is short. Pure.

A blob that something names is kept by those who need it (its *claim*) and by three members that everybody can work out
alike. All other copies may go, oldest use first, but only while two others are sure to keep theirs: an answer "I hold it" is
a promise for a while, and who promised does not evict. So copies never fall below two because everybody relied on each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

SPREAD = 3
"""Members that keep a named blob besides those who need it."""
CONFIRMED = 2
"""Others that must hold a blob before a copy of it may go."""
PROMISE_S = 120.0
"""How long "I hold it" is true."""
ORPHAN_S = 3600.0
"""A blob that nothing names may be about to be named; after this it may go unasked."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something names a blob. ``needed_by``: peers that keep it whatever their room. ``spread``: three more keep it."""

    digest: str
    needed_by: frozenset[str]
    why: str
    spread: bool = True


@dataclass(frozen=True, slots=True)
class Held:
    """A blob on this disk; ``used`` is the wall time of its last use, in seconds."""

    digest: str
    size: int
    used: float


def keepers(digest: str, members: Iterable[str], count: int = SPREAD) -> list[str]:
    """The members that keep a blob for all, the first first: highest random weight, so that a member that comes or goes
    moves only what it keeps itself."""

    def weight(peer_id: str) -> bytes:
        return hashlib.sha256(f"{digest} {peer_id}".encode()).digest()

    return sorted(members, key=weight)[:count]


def pinned(claims: Iterable[Claim], me: str, members: list[str]) -> dict[str, str]:
    """What this peer keeps whatever its room, and why."""
    found: dict[str, str] = {}
    for claim in claims:
        if me in claim.needed_by or (claim.spread and me in keepers(claim.digest, members)):
            found.setdefault(claim.digest, claim.why)
    return found


def to_evict(held: Iterable[Held], kept: Iterable[str], quota: int) -> list[Held]:
    """What should go so that all fits into ``quota`` bytes: of what is not kept, the longest unused first."""
    everything, stay = list(held), set(kept)
    over = sum(blob.size for blob in everything) - quota
    going: list[Held] = []
    for blob in sorted(everything, key=lambda blob: (blob.used, blob.digest)):
        if over <= 0:
            break
        if blob.digest not in stay:
            going.append(blob)
            over -= blob.size
    return going


@dataclass(slots=True)
class Promises:
    """What this peer told others that it holds, in its own monotonic time.

    They may be forgotten by a restart: whoever is the last to ask relies on two that hold it then, and those can only let
    go after asking later. A restart forgets what was asked as well.
    """

    _until: dict[str, float] = field(default_factory=dict)

    def make(self, digest: str, now: float) -> None:
        """It was told that the blob is here."""
        self._until = {known: until for known, until in self._until.items() if until > now}
        self._until[digest] = now + PROMISE_S

    def bound(self, digest: str, now: float) -> bool:
        """Whether somebody relies on this copy."""
        return self._until.get(digest, now) > now

    def may_go(self, digest: str, asked_at: float, holders: Iterable[str], now: float) -> bool:
        """Whether a copy may go: nobody relies on it, and enough others said so lately that they hold theirs."""
        fresh = now - asked_at < PROMISE_S / 2
        return fresh and len(set(holders)) >= CONFIRMED and not self.bound(digest, now)
