"""Time and chance as arguments, so that a simulation replays byte for byte."""

from __future__ import annotations

import random
import time
from typing import Protocol

import trio


class Clock(Protocol):
    """Wall time for people and hybrid clocks; monotonic time for every timeout."""

    def wall(self) -> float:
        """Unix time in seconds; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some start; never goes back."""
        ...


class SystemClock:
    """The machine's clocks; monotonic time is trio's, so that a mock clock governs it in tests."""

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return trio.current_time()


class Entropy(Protocol):
    """Random bits for ids and jitter."""

    def bytes(self, n: int) -> bytes:
        """``n`` random bytes."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A number between the two."""
        ...


class SystemEntropy:
    """The operating system's randomness."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def bytes(self, n: int) -> bytes:
        return self._random.randbytes(n)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class SeededEntropy:
    """Randomness from a seed, for simulations and tests."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - for simulations only

    def bytes(self, n: int) -> bytes:
        return self._random.randbytes(n)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class Ages:
    """How long ago something was said, by this peer's own clocks.

    The wall time it names counts up to when it is first asked about; from then on monotonic time does, so that a clock
    that jumps neither ends a wait nor prolongs it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first: dict[str, tuple[float, float]] = {}

    def age(self, name: str, said_at: float) -> float:
        """Seconds since ``name`` was said at ``said_at`` (Unix seconds); never below 0."""
        now = self._clock.monotonic()
        at, age = self._first.setdefault(name, (now, max(0.0, self._clock.wall() - said_at)))
        return age + now - at
