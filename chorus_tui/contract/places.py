"""How many connections may be open at a door at once, in all and from one address. Pure.

Without a bound somebody who never asks for anything would hold a descriptor of the process with each, until nobody else can come.
"""

from __future__ import annotations

from collections import Counter


class Places:
    """``most``: at once, half of them from one address, for all may come through one tunnel."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: Counter[str] = Counter()

    def take(self, address: str) -> str:
        """One more of ``address``; why not, or an empty text."""
        of_one = self.most // 2
        if self._open.total() >= self.most:
            return f"All {self.most} connections are taken. Try again in a moment."
        if self._open[address] >= of_one:
            return f"{of_one} connections from this address are open. Close some, or try again in a moment."
        self._open[address] += 1
        return ""

    def leave(self, address: str) -> None:
        """One that was taken is closed."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]

    def __len__(self) -> int:
        return self._open.total()

    def addresses(self) -> set[str]:
        """Those of which one is open."""
        return set(self._open)
