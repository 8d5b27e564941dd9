"""Who brings what in bulk: a long stretch of a feed is fetched from one member at a time.

A newcomer meets every member at once, and each of them could bring it everything. So the first takes the feeds that it is
far ahead in, and the others are put off: of these feeds nothing is taken from them until the first has ended, well or
not; then they are asked again, with what is held by then. Short stretches are never put off: live talk does not wait.
"""

from __future__ import annotations

import trio

from chorus_tui.engine.journal.chain import Frontier, lead

BULK = 256
"""Entries of one author from which on a stretch is long."""
STALL_S = 120.0
"""A session that brings less than a long stretch in this time ends."""
TURN_S = 600.0
"""After this time another member gets its turn: whoever is slow on purpose delays, and does not stop."""


class Fetching:
    """What is under way into one journal."""

    def __init__(self) -> None:
        self._brought: dict[str, Session] = {}
        self._put_off: set[str] = set()

    def session(self, peer_id: str) -> Session:
        """A new exchange with this member; leave it by :meth:`Session.end`."""
        return Session(self, peer_id)

    def bringing(self, author: str) -> Session | None:
        """The session that brings this author's feed, if one does."""
        return self._brought.get(author)

    def claim(self, author: str, session: Session) -> None:
        self._brought[author] = session

    def put_off(self, peer_id: str) -> None:
        self._put_off.add(peer_id)

    def give_back(self, session: Session) -> list[str]:
        """Whom to ask now: others, if any wait, and not the one whose turn this was."""
        held = [author for author, bringing in self._brought.items() if bringing is session]
        for author in held:
            del self._brought[author]
        if not held:
            return []
        waiting, self._put_off = self._put_off, set()
        return sorted(waiting - {session.peer_id} or waiting)


class Session:
    """One exchange. ``scope`` bounds it in time, as long as it makes no headway."""

    def __init__(self, fetching: Fetching, peer_id: str) -> None:
        self._fetching = fetching
        self.peer_id = peer_id
        self._new = 0
        self._last = trio.current_time() + TURN_S
        self.scope = trio.CancelScope(deadline=trio.current_time() + STALL_S)

    def takes(self, author: str) -> bool:
        """Whether anything of this author may be taken here; if not, this member is asked again later."""
        if self._fetching.bringing(author) in (None, self):
            return True
        self._fetching.put_off(self.peer_id)
        return False

    def begin(self, ours: Frontier, theirs: Frontier) -> set[str]:
        """Claim the feeds in which they are far ahead; those that another one brings are returned: nothing is taken of them."""
        left = set()
        for author in theirs:
            if lead(ours.get(author, {}), theirs[author]) < BULK:
                continue
            if self.takes(author):
                self._fetching.claim(author, self)
            else:
                left.add(author)
        return left

    def headway(self, entries: int) -> None:
        """So many were new."""
        self._new += entries
        if self._new >= BULK:
            self._new = 0
            self.scope.deadline = min(trio.current_time() + STALL_S, self._last)

    def end(self) -> list[str]:
        """However it ended; whom to ask now."""
        return self._fetching.give_back(self)
