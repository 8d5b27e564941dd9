"""What the mesh decided about feeds, followed by the disk: forks, erasures, and an own epoch in which somebody else spoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
import trio

from chorus_tui.engine.bell import Bell
from chorus_tui.engine.journal.database import StoreError

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

log = structlog.get_logger("chorus.journal.decisions")

AGAIN_S = 5.0
"""After so long what a disk refused is tried again."""


class Decisions:
    """Of one journal."""

    def __init__(self, journal: FeedJournal) -> None:
        self._journal = journal
        self._bell = Bell()

    def look(self) -> None:
        """Something was decided, or seen."""
        self._bell.ring()

    async def run(self) -> None:
        """Until cancelled. A disk that refuses is tried again."""
        while True:
            try:
                await self._follow()
            except StoreError as error:
                log.warning("A decision on feeds is not followed yet; it is tried again", reason=str(error))
                await trio.sleep(AGAIN_S)
            else:
                await self._bell.rung()

    async def _follow(self) -> None:
        journal = self._journal
        forks = journal.forks_held
        async with journal.lock:
            await forks.keep_heard()
            if withdrawn := forks.withdraw():
                journal.replay(journal.folds.reset(withdrawn))
            await forks.follow()
            await journal.follow_erasures()
        if forks.forked(journal.me.peer_id, journal.epoch):
            await journal.open_epoch("another copy of this peer spoke in this epoch")
