"""Asks the mesh for the role and expertise that this peer was told to have.

A newcomer gets them when it joins. When they change later (a new assignment, another environment) it asks the admin; what a
master has decided stays, and is not asked about again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog
import trio

from chorus_tui.engine.bell import pause
from chorus_tui.engine.control.entries import MEMBER_CHANGED
from chorus_tui.engine.control.interface import Control, Member, NoMesh, NotAdmin, Refused
from chorus_tui.engine.peers.service import Self

log = structlog.get_logger("chorus.peers")

LOOK_S: Final = 1.0
AGAIN_S: Final = 5.0
LONGEST: Final = 64
MOST: Final = 32
"""As much of a name and as many areas as the control log keeps of a newcomer."""


def change(me: Self, granted: Member) -> dict[str, Any]:
    """What to ask for; empty when the mesh has granted what is wished. Pure. Who was told nothing wishes nothing."""
    role, expertise = me.role[:LONGEST], [area[:LONGEST] for area in me.expertise[:MOST]]
    asked: dict[str, Any] = {}
    if role and role != granted.role:
        asked["role"] = role
    if expertise and expertise != list(granted.expertise):
        asked["expertise"] = expertise
    return asked


class RoleWish:
    """``me`` gives what this peer says of itself now."""

    def __init__(self, me: Callable[[], Self], control: Control) -> None:
        self._me = me
        self._control = control
        self.refused = ""
        """Why the mesh does not grant it, in words; empty when it does or was not asked."""

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        task_status.started()
        settled: tuple[Any, ...] = ()
        while True:
            granted = self._control.members.get(self._me().peer_id)
            asked = change(self._me(), granted) if granted is not None else {}
            if not asked:
                self.refused = ""
            if granted is not None and asked and (granted, asked) != settled:
                settled = (granted, asked) if await self._ask(granted, asked) else ()
                await trio.sleep(AGAIN_S)
            await pause(LOOK_S)

    async def _ask(self, granted: Member, asked: dict[str, Any]) -> bool:
        """Whether it was decided, one way or the other."""
        try:
            await self._control.request(MEMBER_CHANGED, {"peer_id": granted.peer_id, "wished": True, **asked})
        except (NoMesh, NotAdmin):
            return False
        except Refused as error:
            self.refused = str(error)
            log.warning("⚠️ The mesh does not grant the role that was assigned", reason=self.refused)
        else:
            log.info("🎭 Granted", role=str(asked.get("role", "")), said=", ".join(sorted(asked)))
        return True
