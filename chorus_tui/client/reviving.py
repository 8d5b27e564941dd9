"""An engine that was started for this front, and ended by a fault, is started again by it. One that was told to stop stays so."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from chorus_tui.client import ContractRefused, EngineGone
from chorus_tui.contract.problem import Problem

if TYPE_CHECKING:
    from chorus_tui.client import Connector, EngineClient

LOOK_S: Final = 0.5
MOST: Final = 3
WITHIN_S: Final = 600.0
"""An engine that falls oftener than :data:`MOST` times within so many seconds is left to the person: starting it does not mend it."""


class Reviver:
    """``say`` is told in words what is done about it; an empty text: nothing, it is for the person to do."""

    def __init__(self, client: EngineClient, connect: Connector, say: Callable[[str], None]) -> None:
        self._fallen: Callable[[], bool] = getattr(client, "fallen", _never)
        self._connect = connect
        self._say = say
        self._tries: deque[float] = deque(maxlen=MOST)

    async def watch(self, lost: Callable[[], bool]) -> None:
        """As long as it is lost. The client that followed it connects to the new one by itself, since that has the same socket."""
        while lost():
            if self._fallen():
                if not self._may_try():
                    self._say("")
                    return
                await self._start()
            await asyncio.sleep(LOOK_S)

    def _may_try(self) -> bool:
        return len(self._tries) < MOST or time.monotonic() - self._tries[0] > WITHIN_S

    async def _start(self) -> None:
        self._tries.append(time.monotonic())
        self._say("It ended by a fault, and is being started again …")
        try:
            other = await self._connect(lambda _step: None)
        except (EngineGone, ContractRefused, Problem) as error:
            self._say(f"It ended by a fault, and could not be started again: {error}")
            return
        self._fallen = getattr(other, "fallen", _never)
        await other.close()


def _never() -> bool:
    return False
