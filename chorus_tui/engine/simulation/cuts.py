"""Cut paths with the reason of each, so that the end of one fault does not mend what another still cuts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from chorus_tui.engine.mesh.simulated import SimulatedNetwork

Path = tuple[str, str]
"""Nothing passes from the first peer id to the second."""


@dataclass(slots=True)
class Cuts:
    """What is cut now, by reason."""

    network: SimulatedNetwork
    _by_reason: dict[str, list[Path]] = field(default_factory=dict)

    def cut(self, reason: str, paths: Iterable[Path]) -> None:
        """Cut these as well."""
        self._by_reason[reason] = list(paths)
        for source, target in self._by_reason[reason]:
            self.network.cut(source, target, one_way=True)

    def mend(self, reason: str) -> None:
        """This reason is over; what others cut stays so. Idempotent."""
        over = self._by_reason.pop(reason, [])
        still = {path for paths in self._by_reason.values() for path in paths}
        for path in over:
            if path not in still:
                self.network.mend(*path)

    def mend_all(self) -> None:
        """Every path stands."""
        for reason in list(self._by_reason):
            self.mend(reason)


def between(left: Iterable[str], right: Iterable[str]) -> list[Path]:
    """All paths, both ways, between two groups."""
    pairs = list(itertools.product(left, right))
    return [*pairs, *((b, a) for a, b in pairs)]
