"""Who may try to come in: inbound connections until they have said who they are, by the address they come from.

The rule it keeps: whoever lacks the network key costs little and keeps nobody out. One address holds few unfinished
handshakes, all addresses together a bounded number; the oldest of the busiest makes room, since an honest one is done in
a moment. An address whose handshakes fail again and again is not heard for a while, except this machine's own, behind which
honest peers stand too. Nothing here is held against a peer: an address is no identity.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chorus_tui.engine.mesh.interface import MeshCounters
from chorus_tui.engine.mesh.limits import (
    ADDRESSES_REMEMBERED,
    FAILED_HANDSHAKES_PER_SECOND,
    HANDSHAKES_AT_ONCE,
    HANDSHAKES_PER_ADDRESS,
    Allowance,
)

FAILED = "failed"


class TurnedAway(Exception):
    """This connection is not let in. The text is the reason that is counted."""


@dataclass(eq=False, slots=True)
class Handshake:
    """One connection at the door. ``cut`` ends it from outside; set ``done`` when it has said who it is."""

    address: str
    cut: Callable[[], None]
    done: bool = False


class Doorkeeper:
    """``now`` is monotonic."""

    def __init__(self, counters: MeshCounters, now: Callable[[], float]) -> None:
        self._counters = counters
        self._now = now
        self._pending: OrderedDict[str, list[Handshake]] = OrderedDict()
        self._failures: OrderedDict[str, Allowance] = OrderedDict()

    @contextmanager
    def at_the_door(self, address: str, cut: Callable[[], None]) -> Iterator[Handshake]:
        """While a connection shakes hands. Raises :class:`TurnedAway`; leaving without ``done`` is a failure."""
        self._admit(address)
        handshake = Handshake(address, cut)
        self._pending.setdefault(address, []).append(handshake)
        try:
            yield handshake
        finally:
            self._leave(handshake)
            if not handshake.done:
                self._allowance(address).take(1)
                self._count(FAILED)

    @property
    def waiting(self) -> int:
        """Handshakes under way."""
        return sum(len(ones) for ones in self._pending.values())

    def _admit(self, address: str) -> None:
        known = self._failures.get(address)
        if known is not None and not known.left() and not _is_loopback(address):
            self._count("too many failed")
            raise TurnedAway("too many handshakes of this address failed")
        same = self._pending.get(address, [])
        if len(same) >= HANDSHAKES_PER_ADDRESS:
            self._make_room(same[0])
        elif self.waiting >= HANDSHAKES_AT_ONCE:
            self._make_room(max(self._pending.values(), key=len)[0])

    def _make_room(self, oldest: Handshake) -> None:
        self._count("made room")
        self._leave(oldest)
        oldest.cut()

    def _leave(self, handshake: Handshake) -> None:
        ones = self._pending.get(handshake.address, [])
        if handshake in ones:
            ones.remove(handshake)
        if not ones:
            self._pending.pop(handshake.address, None)

    def _count(self, reason: str) -> None:
        self._counters.handshakes_refused[reason] = self._counters.handshakes_refused.get(reason, 0) + 1

    def _allowance(self, address: str) -> Allowance:
        if address not in self._failures:
            burst = 60 * FAILED_HANDSHAKES_PER_SECOND
            self._failures[address] = Allowance(FAILED_HANDSHAKES_PER_SECOND, burst, self._now)
        self._failures.move_to_end(address)
        while len(self._failures) > ADDRESSES_REMEMBERED:
            self._failures.popitem(last=False)
        return self._failures[address]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
