"""How a copy of a shared text and the engine give each other what the other lacks. One exchange at a time."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from chorus_tui.client import EngineGone
from chorus_tui.contract.models.collab import SyncCollab, Synced
from chorus_tui.contract.problem import Problem
from chorus_tui.screens.collab_copy import SharedCopy

Call = Callable[[str, SyncCollab], Awaitable[Any]]


@dataclass(slots=True)
class Exchange:
    """Of one open text. What the engine does not take stays in the copy, to be sent again."""

    session: str
    copy: SharedCopy
    call: Call
    safe: Synced | None = None
    """The engine's last answer."""
    reachable: bool = True
    refusal: str = ""
    """Why the engine did not take the last words; empty: it did."""
    doubtful: bool = False
    """The connection was lost: the engine may have started anew, without the last of what it took. The next answer tells."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def ended(self) -> bool:
        """Whether the session is over: nothing more is taken."""
        return self.safe is not None and self.safe.state == "ended"

    @property
    def pending(self) -> bool:
        """Whether the engine lacks something that was typed here, and could still take it."""
        return self.copy.unsent and not self.ended

    @property
    def due(self) -> bool:
        """Whether something is to be sent now; after a failure only a look from time to time tries again."""
        return self.pending and not self._turn.locked() and self.reachable and not self.refusal

    async def once(self) -> Synced | None:
        """As :meth:`next`; None, too, when another exchange is on its way."""
        return None if self._turn.locked() else await self.next()

    async def next(self) -> Synced | None:
        """After the one that is on its way: what was typed here goes; the answer has what is lacking here. None: the engine is away,
        or did not take it."""
        async with self._turn:
            return await self._give()

    async def _give(self) -> Synced | None:
        doubtful = self.doubtful
        parts, update = self.copy.batch()
        request = SyncCollab(
            session=self.session, state_vector=base64.b64encode(self.copy.state).decode(),
            update=base64.b64encode(update).decode(),
        )  # fmt: skip
        try:
            answer: Synced = await self.call("collab.sync", request)
        except EngineGone:
            self.reachable = False
            return None
        except Problem as problem:
            self.refusal = ": ".join(filter(None, [problem.title, problem.detail, *problem.fields.values()]))
            return None
        self.reachable, self.refusal, self.safe = True, "", answer
        if answer.took:
            self.copy.sent(parts)
        if doubtful:
            self.copy.send_again(base64.b64decode(answer.state_vector))
            self.doubtful = False
        return answer
