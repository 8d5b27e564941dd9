"""Taking in what others said: appended, parked, filled in, or kept as evidence.

By signature (checked before, its own or one that covers it), chain and size alone, never by quota. Only what an author that
was ever a member said, and never a body that was erased. Nothing counts as held before it is on disk.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from chorus_tui.engine.journal.chain import Chains, Parked, Place
from chorus_tui.engine.journal.hlc import Hlc
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.journal.signatures import spans
from chorus_tui.engine.journal.store import ERASED, Known
from chorus_tui.engine.journal.strangers import Strangers
from chorus_tui.engine.journal.vouching import signed
from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.envelope import Entry

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

SKEW_S = 300.0


class Acceptance:
    """Of one journal."""

    def __init__(self, journal: FeedJournal) -> None:
        self._journal = journal
        self.parked = Parked()
        self.strangers = Strangers(journal.me.peer_id)
        self._skewed: set[str] = set()

    async def accept(self, batch: list[Heard], source: str) -> int:
        """Store verified entries of others in the given order; how many were new. Gaps are parked and asked for."""
        async with self._journal.lock:
            known = [heard for heard in batch if self._knows(feed_entry(heard).author)]
            fresh, rest = self._sort([self._journal.erasures.strip(heard) for heard in known])
            if fresh:
                unchecked = spans(feed_entry(heard) for heard in fresh if heard.vouched)
                await self._journal.store.add(((feed_entry(heard), heard.problem) for heard in fresh), unchecked)
                if unchecked:
                    self._journal.signatures.due()
            for heard in fresh:
                entry = feed_entry(heard)
                # Only now: what the heads say is told to others as held.
                self._journal.chains.advance(entry)
                self._hear_clock(entry)
                self._journal.give(heard)
                if heard.problem and heard.problem != ERASED:
                    self._journal.say_line(
                        "warning",
                        f"An entry of type {entry.type} is stored but unreadable: {heard.problem}",
                        entry.author,
                    )
            await self._fill(rest)
            await self._note_forks(rest, source)
            # Now, not when decisions are followed next: that may wait for a peer that does not answer.
            await self._journal.forks_held.keep_heard()
            gap = self._park(rest)
        if gap:
            self._journal.replication.ask(source)
        return len(fresh)

    def _knows(self, author: str) -> bool:
        """Whether the author was ever a member; the feed of a stranger is kept by nobody."""
        if self.strangers.knows(author):
            return True
        self._journal.intake.refuse("stranger")
        return False

    def _sort(self, batch: list[Heard]) -> tuple[list[Heard], list[Heard]]:
        """What can be appended now, parked followers included, and the rest. The heads stay until it is on disk."""
        fresh: list[Heard] = []
        rest: list[Heard] = []
        staged = Chains(dict(self._journal.chains.heads))
        queue = deque(batch)
        while queue:
            heard = queue.popleft()
            entry = feed_entry(heard)
            if self._journal.forks_held.refused(entry):
                continue
            if staged.place(entry, None) is Place.NEXT:
                staged.advance(entry)
                fresh.append(heard)
                h = entry.header
                follower = self.parked.take(h.author, h.epoch, h.seq + 1)
                if follower is not None:
                    queue.appendleft(self._journal.erasures.strip(readable(follower)))
            elif self._journal.store.known(*entry.key) == Known(entry.hash, whole=True):
                continue
            elif heard.vouched and not signed(entry):
                # It extends nothing here, so what covers it is not stored with it.
                self._journal.intake.refuse("bad_signature")
            else:
                rest.append(heard)
        return fresh, rest

    async def _fill(self, rest: list[Heard]) -> None:
        """Bodies that were withheld from us, and are here now."""
        for heard in rest:
            entry = feed_entry(heard)
            missing = entry.body is not None and self._journal.store.known(*entry.key) == Known(entry.hash, whole=False)
            if missing and await self._journal.store.fill(entry, heard.problem):
                self._journal.give(heard)

    def _park(self, rest: list[Heard]) -> bool:
        """Keep what waits for a gap; whether to ask for one that nobody brings yet. The other branch of a fork is no gap: nobody
        could close it."""
        gap = False
        for heard in rest:
            entry = feed_entry(heard)
            if (
                not self._journal.forks_held.forked(entry.author, entry.header.epoch)
                and self._journal.chains.place(entry, None) is Place.GAP
            ):
                self.parked.add(entry)
                gap = gap or not self._journal.replication.brings(entry.author)
        return gap

    async def _note_forks(self, rest: list[Heard], source: str) -> None:
        for heard in rest:
            entry = feed_entry(heard)
            h = entry.header
            held = self._journal.store.get(h.author, h.epoch, h.seq)
            if held is None and self._journal.chains.place(entry, None) is Place.BROKEN:
                before = self._journal.store.get(h.author, h.epoch, h.seq - 1)
                if before is not None and await self._journal.forks_held.seen(before, entry, source):
                    self._journal.intake.refuse("fork")
            elif (
                held is not None
                and held.hash != entry.hash
                and await self._journal.forks_held.seen(held, entry, source)
            ):
                self._journal.intake.refuse("fork")
        if self._journal.forks_held.untold or self._journal.forks_held.heard:
            self._journal.decided()

    def _hear_clock(self, entry: Entry) -> None:
        ahead = self._journal.hlc.hear(Hlc.parse(entry.header.hlc), self._journal.clock.wall())
        if ahead > SKEW_S and entry.author not in self._skewed:
            self._skewed.add(entry.author)
            self._journal.say_line(
                "warning",
                f"The clock of peer {identity.short(entry.author)} is {ahead:.0f} s ahead of this one",
                entry.author,
            )


def feed_entry(heard: Heard) -> Entry:
    """The entry of a durable message."""
    assert heard.entry is not None
    return heard.entry
