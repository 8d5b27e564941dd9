"""How many may come, how often they may fail, how much they may type: the sums behind the server's refusals. Pure; times in seconds."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Final

MOST_WIDTH: Final = 500
MOST_HEIGHT: Final = 200
LEAST_WIDTH: Final = 20
LEAST_HEIGHT: Final = 5
MOST_ADDRESSES: Final = 4096
"""Whose failures are remembered; the one that failed longest ago is forgotten first."""
USUAL: Final = (80, 24)
"""Of a terminal that does not tell its size."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``sessions`` at once, of one key and of one address among them; ``idle_s`` 0: nobody is sent away for being quiet.

    ``login_s``: to log in, and to ask for a shell on a channel that was opened.
    """

    sessions: int = 40
    a_key: int = 8
    an_address: int = 24
    idle_s: float = 3600.0
    login_s: float = 20.0
    attempts: int = 6
    """Keys that one connection may offer in vain."""
    waiting: int = 64
    """Connections that have not logged in yet; half of them from one address."""
    failures: int = 20
    """Connections of one address that came to no login, in ``failures_s``; then it has to wait."""
    failures_s: float = 60.0

    @property
    def connections(self) -> int:
        """Of one key that has logged in; each may hold several sessions, or none."""
        return 2 * self.a_key


@dataclass(slots=True)
class Places:
    """Who sits where. A guest is counted once, and gone when he has left, however often that is said."""

    limits: Limits
    _guests: dict[int, tuple[str, str]] = field(default_factory=dict)
    _keys: Counter[str] = field(default_factory=Counter)
    _addresses: Counter[str] = field(default_factory=Counter)

    def take(self, guest: int, key: str, address: str) -> str:
        """Seat ``guest``; why not, or an empty text."""
        if len(self._guests) >= self.limits.sessions:
            return f"all {self.limits.sessions} places are taken; try again later"
        if self._keys[key] >= self.limits.a_key:
            return f"{self.limits.a_key} sessions of this key are open; close one of them"
        if self._addresses[address] >= self.limits.an_address:
            return f"{self.limits.an_address} sessions from this address are open; close one of them"
        self._guests[guest] = (key, address)
        self._keys[key] += 1
        self._addresses[address] += 1
        return ""

    def leave(self, guest: int) -> None:
        """His place is free."""
        if guest not in self._guests:
            return
        key, address = self._guests.pop(guest)
        for counts, name in ((self._keys, key), (self._addresses, address)):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]

    def __len__(self) -> int:
        return len(self._guests)


@dataclass(slots=True)
class Callers:
    """Connections before they have logged in, and how often their addresses failed. Bounded whatever addresses come."""

    limits: Limits
    _waiting: Counter[str] = field(default_factory=Counter)
    _failed: OrderedDict[str, list[float]] = field(default_factory=OrderedDict)

    def come(self, address: str, now: float) -> bool:
        """Whether one more connection of ``address`` is spoken to at all."""
        recent = [at for at in self._failed.get(address, []) if now - at < self.limits.failures_s]
        full = self._waiting.total() >= self.limits.waiting or self._waiting[address] >= max(
            self.limits.waiting // 2, 1
        )
        if full or len(recent) >= self.limits.failures:
            if not self._waiting[address]:
                del self._waiting[address]
            return False
        self._waiting[address] += 1
        return True

    def settle(self, address: str) -> None:
        """A connection that came has logged in, or has gone."""
        self._waiting[address] -= 1
        if self._waiting[address] <= 0:
            del self._waiting[address]

    def fail(self, address: str, now: float) -> None:
        """A login of ``address`` was refused."""
        recent = [at for at in self._failed.pop(address, []) if now - at < self.limits.failures_s]
        self._failed[address] = [*recent, now][-self.limits.failures :]
        while len(self._failed) > MOST_ADDRESSES:
            self._failed.popitem(last=False)


def window(width: int, height: int) -> tuple[int, int]:
    """A size that can be drawn, whatever the client says its window has."""
    if width <= 0 or height <= 0:
        return USUAL
    return min(max(width, LEAST_WIDTH), MOST_WIDTH), min(max(height, LEAST_HEIGHT), MOST_HEIGHT)


def pace(sessions: int) -> float:
    """Repaints a second of each of so many sessions, which share one core."""
    return min(max(30.0 / max(sessions, 1), 1.0), 8.0)
