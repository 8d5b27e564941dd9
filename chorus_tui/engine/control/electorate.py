"""Which members should vote. Pure.

One, three, five or seven, agents first; a person only while there are fewer than three agents. Whoever votes well stays: a
change costs two decisions, and the fewer there are the better.

A change is decided by a majority of the old set and of the new one, and it is in force before it is decided. So a new set
without a majority that lives can never be decided, nor taken back: the mesh would stand still although most of its voters
are well. Whoever is silent may keep its place in a set for a while, but no new set rests on it. And who was heard just now may
have died since: a new set has one more than it needs, and no fewer to spare than the old one while any of it is silent.
"""

from __future__ import annotations

from dataclasses import dataclass

from chorus_tui.engine.control.voters import Seat, Voters

MOST = 7
AGENTS_ALONE = 3
"""From so many agents on, people do not vote."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member as the admin knows it now. ``usable``: alive, its store caught up; a voter keeps that for longer, so that it may
    be started anew. ``here``: heard just now, in this term."""

    seat: Seat
    agent: bool
    joined_index: int
    usable: bool
    here: bool
    leaving: bool = False


def plan(voters: Voters, candidates: list[Candidate], admin: Seat) -> tuple[Seat, ...] | None:
    """The voters that should be, or None when nothing is to be changed now.

    A set never shrinks to one because others are silent, only because they leave: one voter means no failover.
    """
    if voters.joint:
        return None
    leaving = {candidate.seat for candidate in candidates if candidate.leaving}
    pool = _pool([c for c in candidates if c.usable and not c.leaving], voters, admin)
    size = min(MOST, len(pool) if len(pool) % 2 else len(pool) - 1)
    if size < 1 or (size == 1 and not leaving & set(voters.seats)):
        return None
    if {candidate.seat for candidate in pool[:size]} == set(voters.seats):
        return None
    chosen = sorted(pool, key=lambda c: (c.seat != admin, not c.here))[:size]
    seats = tuple(sorted(candidate.seat for candidate in chosen))
    here = {candidate.seat for candidate in candidates if candidate.here}
    if set(seats) == set(voters.seats) or not _bears(voters.seats, seats, here, leaving):
        return None
    return seats


def _bears(old: tuple[Seat, ...], new: tuple[Seat, ...], here: set[Seat], leaving: set[Seat]) -> bool:
    """Whether ``old`` can decide on ``new``, and ``new`` can lose one: all of it are here, or it has one to spare, and no fewer
    than ``old`` would have. Where ``old`` would stand still once those who leave are gone, a bare majority is better than none."""
    if _spare(old, here) < 0:
        return False
    otherwise = _spare(old, here - leaving)
    return here.issuperset(new) or _spare(new, here) >= (max(1, otherwise) if otherwise >= 0 else 0)


def _spare(seats: tuple[Seat, ...], here: set[Seat]) -> int:
    """How many of those here may fall silent before there is no majority; below 0 there is none."""
    return len(here.intersection(seats)) - (len(seats) // 2 + 1)


def _pool(usable: list[Candidate], voters: Voters, admin: Seat) -> list[Candidate]:
    """Best first: the admin, voters before others, agents before people, the oldest members first."""
    agents = [candidate for candidate in usable if candidate.agent]
    people_too = len(agents) < AGENTS_ALONE
    pool = usable if people_too else agents + [c for c in usable if not c.agent and c.seat == admin]
    return sorted(pool, key=lambda c: (c.seat != admin, not c.agent, c.seat not in voters.seats, c.joined_index))
