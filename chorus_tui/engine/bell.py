"""What a loop waits for between two rounds: somebody rings, or time passes."""

from __future__ import annotations

import math

import trio

from chorus_tui.engine.simulated_time import Sleeper

PAUSE_S = 0.1
"""Between two rounds of what shows, or does, no more than people can follow."""


class Bell:
    """Rung by many, heard by one. What rings while a round goes on begins the next one."""

    def __init__(self) -> None:
        self._is_rung = False
        self._sleeper = Sleeper()
        self._last = -math.inf

    def ring(self) -> None:
        """There is something to do. Idempotent until it was heard."""
        self._is_rung = True
        self._sleeper.wake()

    async def rung(self, within: float = math.inf, apart: float = 0.0) -> bool:
        """Wait until it rings, ``within`` seconds at most; whether it did.

        However often it rings, it is heard ``apart`` seconds after it was heard last, not sooner.
        """
        if self._is_rung:
            await trio.lowlevel.checkpoint()
        else:
            self._sleeper = Sleeper()
            await self._sleeper.sleep_until(trio.current_time() + within)
        rang = self._is_rung
        if rang and (early := self._last + apart - trio.current_time()) > 0:
            await trio.sleep(early)
        self._is_rung = False
        self._last = trio.current_time()
        return rang
