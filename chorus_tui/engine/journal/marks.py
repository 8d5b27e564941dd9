"""What peers tell each other to hold (``watermarks``), pure: what is told when, and what is believed of it.

Counts that have not changed are no news, so a telling has those alone that changed since the one before. Tellings are numbered,
and each names the one (``since``) that must have been heard before it; 0: none, for it is whole. Who heard all up to a number
believes just what its sender told by then. Who sees a gap lacks something, asks that peer, and is told all of it again in
replication, as is whoever was not there. What was told never becomes untrue, since feeds only grow: a lost telling leaves its
hearer knowing less, not wrong.

A whole telling goes to all when a peer begins to speak, and rarely after that: for those who cannot ask, and for peers of an
older release, who do not know of gaps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

PART = 300
"""Authors of one message, so that it keeps the bounds of one."""
STRANGE = 300
"""Epochs that a peer says it holds and of which nothing is here: so many are kept, lest somebody fill the memory with names."""
WHOLE_S = 600.0
WHOLE_EACH_S = 12.0
"""Of a whole telling, for each author in it: what all peers tell so does not grow with the square of their number."""

Held = dict[str, dict[str, int]]
"""``{author: {epoch: next seq}}``."""
Newest = Mapping[str, tuple[str, int]]
"""The newest epoch of each author and how many of its entries are held."""
Heads = Mapping[tuple[str, str], tuple[int, str]]
"""The next number and the last hash of each epoch held here, by author and epoch."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One message."""

    number: int
    since: int
    held: Held


class Teller:
    """What this peer has told."""

    def __init__(self, me: str) -> None:
        self._me = me
        self.run = ""
        """The own epoch in which the last telling was made; numbers belong to it."""
        self.number = 0
        self._told: dict[str, tuple[str, int]] = {}
        self._whole_at = 0.0

    def tell(self, newest: Newest, now: float) -> list[Telling]:
        """What is to be told now; ``now`` in seconds of any steady clock. Own feed and epoch stand in every message: the rest is
        held by whoever had said so much itself."""
        own = newest[self._me]
        began = own[0] != self.run
        whole = began or now >= self._whole_at
        changed = [author for author, mark in newest.items() if whole or self._told.get(author) != mark]
        if whole:
            pause = max(WHOLE_S, WHOLE_EACH_S * len(newest))
            self._whole_at = now + pause * (_share(self._me) if began else 1)
        self.run, self._told = own[0], dict(newest)
        return self._parts(changed, whole=whole)

    def _parts(self, authors: list[str], *, whole: bool) -> list[Telling]:
        if not authors:
            return []
        others, parts = [author for author in authors if author != self._me], []
        for start in range(0, len(others) or 1, PART - 1):
            since = 0 if whole and not start else self.number
            self.number += 1
            parts.append(Telling(self.number, since, self._held([self._me, *others[start : start + PART - 1]])))
        return parts

    def again(self, known: tuple[str, int]) -> Telling | None:
        """All that was told, for somebody who has heard all up to ``known`` (an own epoch and a number); None if that was all."""
        if not self.number or known == (self.run, self.number):
            return None
        return Telling(self.number, 0, self._held(list(self._told)))

    def _held(self, authors: list[str]) -> Held:
        return {author: {epoch: count} for author in authors for epoch, count in [self._told[author]]}


def _share(peer_id: str) -> float:
    """0 to 1, another for each peer: those that started together do not tell all at once."""
    return int.from_bytes(hashlib.sha256(peer_id.encode()).digest()[:4]) / 2**32


@dataclass(frozen=True, slots=True)
class Knew:
    """A peer held ``count`` entries of some epoch when its own feed had ``own_count`` in ``own_epoch``: all that it said later it
    said knowing them. It told so under ``number``."""

    count: int
    own_epoch: str
    own_count: int
    number: int = 0


def _later(one: Knew | None, other: Knew) -> bool:
    """Whether it was told after the other. Of two runs of a peer it is not known which was first: what came last counts."""
    return one is not None and one.own_epoch == other.own_epoch and one.number > other.number


class Heard:
    """What one peer has told."""

    def __init__(self) -> None:
        self.known = ("", 0)
        """Its own epoch, and the number up to which nothing told in it is missing here."""
        self._said: dict[tuple[str, str], Knew] = {}
        self._strange: dict[tuple[str, str], Knew] = {}
        """Of epochs of which nothing was here."""
        self._newest: dict[str, str] = {}
        """The epoch that it told last of each author."""

    def knew(self, author: str, epoch: str) -> Knew | None:
        """The last that it said of an epoch."""
        return self._said.get((author, epoch)) or self._strange.get((author, epoch))

    def hear(self, telling: Telling, own_epoch: str, own_count: int, heads: Heads) -> bool:
        """Take a telling, however late, twice or alone it comes; whether something told before it is missing."""
        self._settle(heads)
        upto = self.known[1] if self.known[0] == own_epoch else 0
        kept = True
        for author, epochs in telling.held.items():
            for epoch, count in epochs.items():
                kept &= self._note((author, epoch), Knew(count, own_epoch, own_count, telling.number), heads)
        missing = telling.since > upto
        self.known = (own_epoch, upto if missing or not kept else max(upto, telling.number))
        return missing

    def _note(self, key: tuple[str, str], knew: Knew, heads: Heads) -> bool:
        """Whether there was room for it."""
        author, epoch = key
        before, last = self.knew(author, epoch), self.knew(author, self._newest.get(author, epoch))
        if _later(before, knew):
            return True
        if key in heads:
            self._said[key] = knew
        elif knew.count > 0:
            if before is None and len(self._strange) >= STRANGE:
                return False
            self._strange[key] = knew
        if not _later(last, knew):
            self._newest[author] = epoch
        return True

    def _settle(self, heads: Heads) -> None:
        """Epochs of which something has come meanwhile."""
        for key in [key for key in self._strange if key in heads]:
            self._said[key] = self._strange.pop(key)

    def more(self, heads: Heads) -> bool:
        """Whether it holds something that is not here, by the last that it told of each author: it does not tell it again, so this is
        asked until replication has brought it."""
        for author, epoch in self._newest.items():
            knew = self.knew(author, epoch)
            if knew is not None and knew.count > heads.get((author, epoch), (0, ""))[0]:
                return True
        return False
