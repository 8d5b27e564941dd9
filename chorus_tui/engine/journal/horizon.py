"""Up to when all is here that an author said: whatever else comes of it was said later.

An author's epochs are a chain too: each begins by committing to the last own head that its author knew. So the newest head of
a feed says something only when no epoch lacks its end here. Holds for authors whose clock does not go back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chorus_tui.engine.journal.hlc import Hlc

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal


class Horizon:
    """Of all feeds held here."""

    def __init__(self, journal: FeedJournal) -> None:
        self._journal = journal
        self._commits: dict[tuple[str, str], str | None] = {}
        """The head that each epoch begins with, by author and epoch: read once."""
        self._heads: dict[tuple[str, str], tuple[str, Hlc]] = {}
        """The head of each epoch and when it was said, of those that were asked for."""

    def of(self, author: str) -> tuple[int, int] | None:
        """Milliseconds and counter of the last entry of ``author``; None when nothing of it is here, something is missing, or its
        feed forked."""
        epochs = self._journal.chains.frontier().get(author, {})
        if self._journal.read_of(author) != self._journal.held_of(author):
            return None
        heads = {head for _, head in epochs.values()}
        newest: Hlc | None = None
        for epoch, (next_seq, head) in epochs.items():
            commits = self._committed(author, epoch)
            if commits is not None and commits not in heads and not self._journal.find(commits):
                return None
            at = self._said_at(author, epoch, next_seq - 1, head)
            newest = at if newest is None or at > newest else newest
        return None if newest is None else (newest.ms, newest.counter)

    def knew(self, peer_id: str, entry: tuple[str, str, int]) -> bool:
        """Whether all that still comes of a peer was said when it held this entry (author, epoch, number): so its clock had heard it."""
        told = self._journal.replication.knew(peer_id, entry[0], entry[1])
        if told is None or told.count <= entry[2] or self.of(peer_id) is None:
            return False
        return self._journal.held_of(peer_id).get(told.own_epoch, 0) >= told.own_count

    def _committed(self, author: str, epoch: str) -> str | None:
        if (author, epoch) not in self._commits:
            first = self._journal.get(author, epoch, 0)
            self._commits[author, epoch] = first.header.prev if first is not None else None
        return self._commits[author, epoch]

    def _said_at(self, author: str, epoch: str, seq: int, head: str) -> Hlc:
        known = self._heads.get((author, epoch))
        if known is None or known[0] != head:
            entry = self._journal.get(author, epoch, seq)
            known = (head, Hlc.parse(entry.header.hlc) if entry is not None else Hlc(0, 0, ""))
            self._heads[author, epoch] = known
        return known[1]
