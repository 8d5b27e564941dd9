"""Chance from a seed, as faults and load draw it."""

from __future__ import annotations

from chorus_tui.engine.clock import Entropy


class Dice:
    """Chance from a seed, with what a fault needs beside bits and numbers."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def between(self, low: float, high: float) -> float:
        """A number between the two."""
        return self._entropy.uniform(low, high)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self._entropy.uniform(0.0, 1.0) < probability

    def some(self, names: list[str], count: int) -> list[str]:
        """``count`` of them, in the order drawn."""
        rest = sorted(names)
        return [rest.pop(min(len(rest) - 1, int(self.between(0, len(rest))))) for _ in range(min(count, len(rest)))]

    def one(self, names: list[str]) -> str:
        """One of them. There must be one."""
        return self.some(names, 1)[0]
