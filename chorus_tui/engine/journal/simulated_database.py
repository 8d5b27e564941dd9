"""A database whose disk takes simulated time, and forgets at a crash what it had not synced.

As with the real one, a work is seen by nobody before it is synced: it is carried out when its sync ends, in the order
of asking. What a crash finds on the way is lost, or was just written without anybody being told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import trio

from chorus_tui.engine.clock import Entropy
from chorus_tui.engine.journal.database import Connection, InlineDatabase, T, Work

SYNC_S = (0.0005, 0.004)
"""How long a healthy disk takes to sync."""


class PowerLost(BaseException):
    """The machine went down while a work was on its way. Not an :class:`Exception`: a dead process handles nothing."""


@dataclass(slots=True)
class _Waiting:
    """One work on its way to the disk."""

    work: Work[Any]
    due: float
    shield: trio.CancelScope = field(default_factory=lambda: trio.CancelScope(shield=True))
    done: bool = False
    result: Any = None
    error: Exception | None = None


class SimulatedDatabase(InlineDatabase):
    """One file of one simulated peer, in one life of it."""

    def __init__(self, schema: list[str], image: bytes | None, entropy: Entropy) -> None:
        super().__init__(schema, image)
        self._entropy = entropy
        self._queue: deque[_Waiting] = deque()
        self._last_due = 0.0
        self._dead = False
        self.sync_s = SYNC_S
        self.on_synced: Callable[[Connection], None] | None = None
        """Called after each work with the database as it is on disk now; it must not change it."""

    async def write(self, work: Work[T]) -> T:
        waiting = _Waiting(work, max(self._last_due, trio.current_time() + self._entropy.uniform(*self.sync_s)))
        self._last_due = waiting.due
        self._queue.append(waiting)
        # As with the real one: what was handed over happens, and a caller that is cancelled learns that it did. Only a
        # crash ends the waiting.
        with waiting.shield:
            await trio.sleep_until(waiting.due)
        if self._dead:
            raise PowerLost
        self._sync_until(waiting)
        if waiting.error is not None:
            raise waiting.error
        result: T = waiting.result
        return result

    def crash(self, kept: int) -> bytes:
        """What is on the disk after a crash that caught the first ``kept`` waiting works just written."""
        self._dead = True
        for number, waiting in enumerate(self._queue):
            waiting.shield.shield = False
            if number < kept:
                self._carry_out(waiting)
        self._queue.clear()
        return self.image()

    @property
    def waiting(self) -> int:
        """Works on their way."""
        return len(self._queue)

    def _sync_until(self, waiting: _Waiting) -> None:
        while not waiting.done:
            self._carry_out(self._queue.popleft())

    def _carry_out(self, waiting: _Waiting) -> None:
        waiting.done = True
        try:
            waiting.result = self.apply(waiting.work)
        except Exception as error:  # noqa: BLE001 - handed to the caller of write()
            waiting.error = error
        if self.on_synced is not None:
            self.on_synced(self._connection)
