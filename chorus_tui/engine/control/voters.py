"""Who votes, and what a majority of them is. Pure.

While the voters change, a decision needs a majority of the old set and of the new one (joint consensus, section 6 of the
Raft paper), so that two disjoint majorities never exist.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple


class Seat(NamedTuple):
    """One voter: a peer, and the store it votes from.

    The incarnation is drawn with each new store. A peer whose store was lost, restored or copied has another one, so it is
    not the voter that the set names: it may have forgotten votes that it gave.
    """

    peer_id: str
    incarnation: str


@dataclass(frozen=True, slots=True)
class Voters:
    """The voters in force; ``before`` is the old set while they change."""

    seats: tuple[Seat, ...] = ()
    before: tuple[Seat, ...] = ()

    @property
    def joint(self) -> bool:
        """Whether they are changing."""
        return bool(self.before)

    @property
    def everyone(self) -> tuple[Seat, ...]:
        """All whose voice is needed, sorted."""
        return tuple(sorted({*self.seats, *self.before}))

    @property
    def peers(self) -> tuple[str, ...]:
        """Peer ids of the set that is, or will be, in force."""
        return tuple(seat.peer_id for seat in self.seats)

    def majority(self, seats: Collection[Seat]) -> bool:
        """Whether these are a majority of each set."""
        return _majority(self.seats, seats) and (not self.before or _majority(self.before, seats))

    def majority_of_peers(self, peers: Collection[str]) -> bool:
        """The same by peer id, for signatures."""
        return self.majority({seat for seat in self.everyone if seat.peer_id in peers})


def _majority(whole: tuple[Seat, ...], part: Collection[Seat]) -> bool:
    return 2 * sum(seat in part for seat in whole) > len(whole)


def seats_of(value: Any) -> tuple[Seat, ...]:
    """From the data of an entry; what is no seat is left out."""
    return tuple(
        Seat(item[0], item[1])
        for item in (value if isinstance(value, list) else [])
        if isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item)
    )
