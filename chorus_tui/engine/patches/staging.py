"""Diffs on their way in, piece by piece: longer than one request may be. In memory only: they were not looked through yet."""

from __future__ import annotations

from collections import OrderedDict

from chorus_tui.contract.diff import MOST_BYTES
from chorus_tui.contract.models.patches import Staged, StagePiece
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.carried_bytes import decoded
from chorus_tui.engine.clock import Clock, Entropy

MOST_AT_ONCE = 4
KEPT_S = 600.0


class Staging:
    """Of one peer."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._held: OrderedDict[str, tuple[float, bytearray]] = OrderedDict()

    def take(self, request: StagePiece) -> Staged:
        """One more piece, at the end of what is held. Raises :class:`Problem`."""
        self._forget()
        name = request.staged or self._entropy.bytes(16).hex()
        data = self._of(name) if request.staged else bytearray()
        if request.offset != len(data):
            raise invalid({"offset": f"{len(data)} bytes are held"})
        data += decoded(request.data, "data")
        if len(data) > MOST_BYTES:
            self._held.pop(name, None)
            raise invalid({"data": f"a diff has at most {MOST_BYTES >> 20} MiB"})
        self._held[name] = (self._clock.monotonic(), data)
        self._held.move_to_end(name)
        while len(self._held) > MOST_AT_ONCE:
            self._held.popitem(last=False)
        return Staged(staged=name, size=len(data))

    def read(self, name: str) -> bytes:
        """All of it; it stays until it is forgotten. Raises :class:`Problem`."""
        self._forget()
        return bytes(self._of(name))

    def _of(self, name: str) -> bytearray:
        if name not in self._held:
            raise Problem(404, "not-found", "The diff is not held here any more", "Send it again.")
        return self._held[name][1]

    def _forget(self) -> None:
        now = self._clock.monotonic()
        for name in [name for name, (at, _) in self._held.items() if now - at > KEPT_S]:
            del self._held[name]
