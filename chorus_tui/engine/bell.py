"""What a loop waits for between two rounds: somebody rings, or time passes.

An engine has some forty loops that look for themselves once or more a second. Each waking of a process that sleeps costs more than most
of these rounds: so they wake together, at whole quarters of a second.
"""

from __future__ import annotations

import math

import trio

from chorus_tui.engine.simulated_time import JumpingClock, Sleeper

PAUSE_S = 0.1
"""Between two rounds of what shows, or does, no more than people can follow."""

QUARTER_S = 0.25


def together(seconds: float) -> float:
    """The moment (trio's time) ``seconds`` from now at which the loops of this engine wake: the nearest whole quarter of a second.

    What is shorter than that is exact, and so is simulated time, in which waking costs nothing and peers must not march in step.
    """
    exact = trio.current_time() + seconds
    if not QUARTER_S <= seconds < math.inf or isinstance(trio.lowlevel.current_clock(), JumpingClock):
        return exact
    return round(exact / QUARTER_S) * QUARTER_S


async def pause(seconds: float) -> None:
    """Between two rounds of a loop that nobody rings; an eighth of a second more or less, so that loops wake :func:`together`."""
    await trio.sleep_until(together(seconds))


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
        """Wait until it rings, ``within`` seconds at most, or what is :func:`together`; whether it did.

        However often it rings, it is heard ``apart`` seconds after it was heard last, not sooner.
        """
        if self._is_rung:
            await trio.lowlevel.checkpoint()
        else:
            self._sleeper = Sleeper()
            await self._sleeper.sleep_until(together(within))
        rang = self._is_rung
        if rang and (early := self._last + apart - trio.current_time()) > 0:
            await trio.sleep(early)
        self._is_rung = False
        self._last = trio.current_time()
        return rang


class Change:
    """Told to all who wait just then, and to nobody later."""

    def __init__(self) -> None:
        self.next = trio.Event()
        """Set when it is told the next time. Taken before one looks, it misses nothing that comes meanwhile."""

    def tell(self) -> None:
        """Something has changed."""
        self.next.set()
        self.next = trio.Event()
