"""Which version of a place is meant: order, siblings, what can still move, and the steps between versions. Pure.

The order is a function of the set of versions alone, so that all who hold the same entries number them alike: by hybrid logical
clock, author and hash, but never a version before one that it follows. Clocks may be wrong; who had read what is signed.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chorus_tui.contract.ucxl import ANY, Address, Temporal
from chorus_tui.engine.protocol.messages.ucxl import UcxlVersion
from chorus_tui.engine.ucxl.interface import Gone, NotFound, OutOfBounds, Several, Version

Moment = tuple[int, int]
"""Milliseconds and counter of a hybrid logical clock."""
MOST_CANDIDATES = 50
"""Addresses that an error about a wildcard lists."""

MOST_SIBLINGS = 16
"""Entries of siblings that a version has; of more only their number is told."""
WINDOW = 1024
"""Versions before, and after, a version among which its siblings are looked for."""

Step = Literal["latest", "first", "back", "forward", "version", "at"]


Passed = Callable[["Told"], bool]
"""Whether nothing earlier than a version can come any more from any member."""


@dataclass(frozen=True, slots=True)
class Told:
    """A version as its author told of it: a feed entry."""

    entry: str
    author: str
    at: Moment
    said: UcxlVersion
    key_in_feed: tuple[str, str, int] = ("", "", 0)
    """Author, epoch and number of its entry."""

    @property
    def key(self) -> tuple[Moment, str, str]:
        """What orders versions of which neither follows the other."""
        return (self.at, self.author, self.entry)


# ── numbers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ordered(told: Mapping[str, Told]) -> list[Told]:
    """Versions of one place by their entries → the first one first. A parent that is not here holds nothing up."""
    waits: dict[str, int] = {}
    followers: dict[str, list[Told]] = defaultdict(list)
    for one in told.values():
        parents = [parent for parent in set(one.said.parents) if parent in told]
        waits[one.entry] = len(parents)
        for parent in parents:
            followers[parent].append(one)
    ready = [(one.key, one) for one in told.values() if not waits[one.entry]]
    heapq.heapify(ready)
    found: list[Told] = []
    while ready:
        _, one = heapq.heappop(ready)
        found.append(one)
        for next_ in followers[one.entry]:
            waits[next_.entry] -= 1
            if not waits[next_.entry]:
                heapq.heappush(ready, (next_.key, next_))
    return found


def settled(versions: Sequence[Told], passed: Passed, gone: frozenset[str] | set[str]) -> int:
    """How many of the first versions keep their numbers whatever comes. ``gone``: entries that were erased, and so will never come."""
    here = {one.entry for one in versions}
    for count, one in enumerate(versions):
        waits = any(parent not in here and parent not in gone for parent in one.said.parents)
        if waits or not passed(one):
            return count
    return len(versions)


@dataclass(frozen=True, slots=True)
class Apart:
    """The first entries of those that were written at once with a version, and how many there are."""

    first: tuple[str, ...]
    count: int


ALONE = Apart((), 0)


def siblings(versions: Sequence[Told]) -> list[Apart]:
    """Of each version those written without knowing of it, nor it of them. ``versions`` as :func:`ordered`.

    Looked for among :data:`WINDOW` versions before it and as many after it: whoever writes many costs everybody work in
    proportion to their number, no more. Whatever leads from one version to another lies between them, so within it all is exact.
    """
    before, after = related(versions)
    found, last = [], len(versions) - 1
    for index in range(len(versions)):
        earlier = _window(index) & ~before[index]
        later = _window(last - index) & ~after[index]
        first = [index - 1 - bit for bit in _from_the_top(earlier)] + [index + 1 + bit for bit in _set_bits(later)]
        entries = tuple(versions[at].entry for at in first[:MOST_SIBLINGS])
        found.append(Apart(entries, earlier.bit_count() + later.bit_count()))
    return found


def related(versions: Sequence[Told]) -> tuple[list[int], list[int]]:
    """Of each version the ones it follows, directly or not, and the ones that follow it: bit ``n`` is the one ``n + 1`` places
    before it, or after it; none is farther away than :data:`WINDOW`."""
    place = {one.entry: index for index, one in enumerate(versions)}
    parents = [
        [index - at for parent in one.said.parents if 0 < index - (at := place.get(parent, index)) <= WINDOW]
        for index, one in enumerate(versions)
    ]
    near = _window(WINDOW)
    before, after = [0] * len(versions), [0] * len(versions)
    for index, steps in enumerate(parents):
        for step in steps:
            before[index] |= (before[index - step] << step | 1 << step - 1) & near
    for index in range(len(versions) - 1, -1, -1):
        for step in parents[index]:
            after[index - step] |= (after[index] << step | 1 << step - 1) & near
    return before, after


def _window(count: int) -> int:
    """A bit for each of so many versions, at most :data:`WINDOW`."""
    return (1 << min(count, WINDOW)) - 1


def _set_bits(mask: int) -> list[int]:
    """The first few, the lowest first."""
    found: list[int] = []
    while mask and len(found) < MOST_SIBLINGS:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def _from_the_top(mask: int) -> list[int]:
    """The first few set bits, the highest first."""
    found: list[int] = []
    while mask and len(found) < MOST_SIBLINGS:
        found.append(mask.bit_length() - 1)
        mask ^= 1 << found[-1]
    return found


def heads(versions: Iterable[Told]) -> list[str]:
    """Entries of the versions that no other one follows, in their order."""
    listed = list(versions)
    followed = {parent for one in listed for parent in one.said.parents}
    return [one.entry for one in listed if one.entry not in followed]


# ── which one is meant ─────────────────────────────────────────────────────────────────────────────────────────────────


def pick(versions: Sequence[Version], temporal: Temporal, place: str) -> Version:
    """The version that a temporal means. Raises :class:`NotFound`, :class:`OutOfBounds`; a tombstone is a version here."""
    if not versions:
        raise NotFound(f"Nothing is known here of {place}")
    last = len(versions)
    if temporal.kind == "at":
        return _at(versions, temporal, place)
    wanted = {
        "latest": last, "any": last, "version": temporal.n, "back": last - temporal.n, "forward": 1 + temporal.n,
    }[temporal.kind]  # fmt: skip
    return versions[bounded(wanted, last, place) - 1]


def bounded(wanted: int, last: int, place: str) -> int:
    """``wanted`` itself when it is one of 1…``last``. Raises :class:`OutOfBounds`."""
    if not 1 <= wanted <= last:
        known = "only version 1" if last == 1 else f"versions 1 to {last}"
        raise OutOfBounds(f"There is no version {wanted} of {place}: it has {known}")
    return wanted


def _at(versions: Sequence[Version], temporal: Temporal, place: str) -> Version:
    """The newest one at or before the moment."""
    assert temporal.at is not None
    at_ms = int(temporal.at.timestamp() * 1000)
    past = [version for version in versions if version.at_ms <= at_ms]
    if not past:
        raise OutOfBounds(f"{place} had no version yet at {str(temporal)[1:]}; 'history' lists them with their times")
    return past[-1]


def readable(version: Version) -> Version:
    """The version, if it has content. Raises :class:`Gone`."""
    if version.tombstone:
        before = "" if version.n == 1 else f"; earlier versions are still there, as *~{version.n - 1}"
        raise Gone(f"Version {version.n} of {version.place} is its removal{before}")
    return version


def one_of(pattern: Address, places: Sequence[Address]) -> Address:
    """What a wildcard means here. ``places`` are those that it covers and that are not removed. Raises :class:`NotFound`,
    :class:`Several`."""
    if not places:
        raise NotFound(f"Nothing known here fits {pattern}")
    if len(places) > 1:
        found = sorted(str(place.of(pattern.temporal)) for place in places)
        listed, more = found[:MOST_CANDIDATES], len(found) - MOST_CANDIDATES
        rest = f"\n… and {more} more" if more > 0 else ""
        raise Several(f"{pattern} may mean {len(found)} things:\n" + "\n".join(listed) + rest, listed)
    return places[0].of(pattern.temporal)


def under(address: Address, prefix: Address) -> bool:
    """Whether an address fits a pattern whose path is the beginning of paths: whole segments, or all with an empty one."""
    named = all(mine in (ANY, theirs) for mine, theirs in zip(prefix.names, address.names, strict=True))
    return named and (not prefix.path or f"{address.path}/".startswith(f"{prefix.path}/"))


# ── travelling ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def stepped(current: int, last: int, operation: Step, steps: int, place: str) -> int:
    """The number a step from version ``current`` leads to; ``steps`` is the number itself for ``version``. Never outside of
    1…``last``: raises :class:`OutOfBounds`. ``at`` is no arithmetic, see :func:`pick`."""
    wanted = {
        "latest": last, "first": 1, "back": current - steps, "forward": current + steps, "version": steps,
    }[operation]  # fmt: skip
    return bounded(wanted, last, place)
