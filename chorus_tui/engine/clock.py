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
