"""Who may write in a shared text, who is there, when a snapshot is due, what came too late. Pure, whatever the order of arrival."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.collab import MOST_EPOCHS, CollabChat, CollabEnded, CollabSession
from chorus_tui.engine.protocol.ulid import ulid

Order = tuple[int, int, str]
"""By the author's clock, then the entry's hash: for what all peers have to see alike."""
Key = tuple[str, str, int]
"""Author, epoch, number of a feed entry."""

PRESENT_S = 15.0
"""Who was not heard of for so long is not there any more."""
SNAPSHOT_UPDATES = 200
SNAPSHOT_BYTES = 256 * 1024
COLORS = 8
TIME = 10
"""Characters of a ULID that are its time."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The words that began a session, or invited more to it."""

    author: str
    order: Order
    said: CollabSession


@dataclass(frozen=True, slots=True)
class Ending:
    """Somebody's word that it is over."""

    author: str
    order: Order
    said: CollabEnded


@dataclass(frozen=True, slots=True)
class Word:
    """One line of the chat."""

    author: str
    order: Order
    said: CollabChat
    key: Key


def session_id(author: str, unix_s: float) -> str:
    """The id of a session that a peer begins in this millisecond: a ULID whose chance is a hash of author and time instead, so that
    nobody else can say that it began it, however early."""
    return _id_of(author, ulid(unix_s, bytes(10))[:TIME])


def begun_by(session: str, author: str) -> bool:
    """Whether an id is one that this peer can have made."""
    return session == _id_of(author, session[:TIME])


def _id_of(author: str, time: str) -> str:
    return time + ulid(0, hashlib.sha256(f"collab session {author} {time}".encode()).digest()[:10])[TIME:]


def first(openings: Iterable[Opening]) -> Opening | None:
    """What began it: an id is one peer's only, so these are all its own."""
    return min(openings, key=lambda one: one.order, default=None)


def invitations(openings: Collection[Opening]) -> tuple[frozenset[str], frozenset[str], bool]:
    """Peers and roles that its owner has invited so far, and whether it is open to all."""
    began = first(openings)
    said = [one.said for one in openings if began is not None and one.author == began.author]
    peers = frozenset(peer for one in said for peer in one.invited)
    roles = frozenset(topics.part(role) for one in said for role in one.roles)
    return peers, roles, any(one.open for one in said)


def may_write(openings: Collection[Opening], peer: str, roles_ever: Collection[str]) -> bool:
    """Whether updates of a peer count. ``roles_ever`` are all roles that it was ever granted, so that the answer only ever turns
    from no to yes, and is the same everywhere in the end."""
    began = first(openings)
    if began is None:
        return False
    peers, roles, is_open = invitations(openings)
    return is_open or peer == began.author or peer in peers or any(topics.part(role) in roles for role in roles_ever)


def the_end(endings: Collection[Ending], owner: str, is_master: Callable[[str], bool]) -> Ending | None:
    """The first word of its owner; without one the first of somebody who is a master now. Clocks are what their peers say, and a
    former master could say anything: it has no word any more, and no master's word takes the place of the owner's."""
    own = [one for one in endings if one.author == owner]
    counting = own or [one for one in endings if is_master(one.author)]
    return min(counting, key=lambda one: one.order, default=None)


def in_time(key: Key, end: Ending | None) -> bool:
    """Whether an entry is part of the text of the end, or of the text while there is none."""
    return end is None or key[2] < end.said.covers.get(key[1], 0)


def covers(keys: Iterable[Key]) -> dict[str, int]:
    """What names all these entries: by epoch the number behind the last."""
    found: dict[str, int] = {}
    for _, epoch, seq in keys:
        found[epoch] = max(found.get(epoch, 0), seq + 1)
    return found


def nameable(keys: Iterable[Key]) -> frozenset[str]:
    """The epochs of these entries that an end or a snapshot names. Of too many each author's largest, then each one's second largest,
    and so on: nobody's restarts, however many, make a session unending or put out another's words."""
    sizes = Counter(key[:2] for key in keys)
    turns: Counter[str] = Counter()
    ranked: list[tuple[int, int, str]] = []
    for feed in sorted(sizes, key=lambda feed: (-sizes[feed], feed)):
        ranked.append((turns[feed[0]], len(ranked), feed[1]))
        turns[feed[0]] += 1
    return frozenset(list(dict.fromkeys(epoch for _, _, epoch in sorted(ranked)))[:MOST_EPOCHS])


def lacking(named: Mapping[str, int], read: Mapping[str, int]) -> bool:
    """Whether feeds as far as they are read here do not hold all that is named."""
    return any(read.get(epoch, 0) < number for epoch, number in named.items())


def present(heard: Mapping[str, float], now: float) -> list[str]:
    """Who is there, in order of ids: the first of them makes the snapshots."""
    return sorted(peer for peer, at in heard.items() if now - at <= PRESENT_S)


def snapshot_due(updates: int, size: int) -> bool:
    """Whether enough has come since the last one."""
    return updates >= SNAPSHOT_UPDATES or (updates > 0 and size >= SNAPSHOT_BYTES)


def in_order(chat: Iterable[Word]) -> list[Word]:
    """By the authors' clocks."""
    return sorted(chat, key=lambda word: word.order)


def color(peer: str, participants: Iterable[str]) -> int:
    """A colour number for everybody: by rank, so that a few who meet never have the same."""
    ranked = sorted({peer, *participants})
    return ranked.index(peer) % COLORS
