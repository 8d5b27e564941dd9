"""Signatures that were not looked at when their range was taken in: checked in the background, mended when garbled.

Which these are is on disk with the entries themselves, so a crash forgets none. The work is done in small pieces with
pauses between: what happens now goes first. Why a wrong one takes nothing back: :mod:`bulk`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import structlog
import trio

from chorus_tui.engine.protocol import identity

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

log = structlog.get_logger("chorus.journal.signatures")

PIECE: Final = 256
"""Signatures between two notes on disk."""
SLICE: Final = 32
"""Signatures between two moments in which others may run."""
PAUSE_S: Final = 0.1
MEND_S: Final = 30.0


class Signatures:
    """Of one journal."""

    def __init__(self, journal: FeedJournal) -> None:
        self._journal = journal
        self._wake = trio.Event()

    def wake(self) -> None:
        """A range came in."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if await self.check_some():
                await trio.sleep(PAUSE_S)
                continue
            await self.mend()
            with trio.move_on_after(MEND_S if self._journal.store.garbled(1) else math.inf):
                await self._wake.wait()
            self._wake = trio.Event()

    async def check_some(self) -> bool:
        """Look at the next few; False when all have been looked at."""
        store = self._journal.store
        due = store.unchecked()
        if due is None:
            return False
        author, epoch, first, last = due
        rows = store.range(author, epoch, first, min(PIECE, last - first + 1))
        wrong: list[int] = []
        for at, (header, sig, _) in enumerate(rows):
            if not identity.verify(author, identity.FEED, header, sig):
                wrong.append(first + at)
            if at % SLICE == SLICE - 1:
                await trio.lowlevel.checkpoint()
        # A range that a decision on a fork has cut short ends where its entries end.
        await store.checked(author, epoch, first, first + len(rows) if rows else last + 1, wrong)
        if wrong:
            who = identity.short(author)
            self._journal.say_line(
                "warning",
                f"{len(wrong)} signatures in the feed of {who} were garbled on their way here. What was said stands, for "
                "its author signed what follows; the right ones are asked for",
                author,
            )
        return True

    async def mend(self) -> None:
        """Ask others for the right signatures, the author first."""
        store, refused = self._journal.store, set[tuple[str, str, int]]()
        while open_ := [key for key in store.garbled(PIECE) if key not in refused]:
            author, epoch, seq = open_[0]
            refused.add(open_[0])
            members = [peer for peer in self._journal.mesh.links() if self._journal.intake.is_member(peer)]
            for peer in sorted(members, key=lambda peer: (peer != author, peer)):
                found = await self._journal.replication.branch(peer, author, epoch, seq + 1)
                wanted = {one for one in open_ if one[:2] == (author, epoch)}
                await store.mend([entry for entry in found if entry.key in wanted])
                if (author, epoch, seq) not in store.garbled(PIECE):
                    log.info("Garbled signatures were mended", author=author, epoch=epoch, at=seq, asked=peer)
                    break
