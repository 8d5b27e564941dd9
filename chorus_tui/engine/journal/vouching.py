"""Which signatures of a stretch must be checked before it counts: that of its last entry. Pure.

An author signs the header of an entry, and the header holds the hash of the header before it. So the one signature at the
end of a chain covers every header in it, byte for byte, down to the first: to change any of them is to find another
text with the same SHA-256. What it does not cover are the signatures that stand *beside* the earlier headers. One of
these may be wrong: whoever brought the stretch damaged it, or the author never made a right one. It changes nothing of what was
said or by whom, so the entry counts. Yet its header alone proves nothing to others (as evidence of a fork must), so it is
checked later in the background, and fetched anew where it is wrong; see
:mod:`chorus_tui.engine.journal.signatures`.

Every entry that is stored is covered by a signature that was checked before it was stored, and in the same transaction.
Only what follows in one chain, entry by entry, is covered; everything else is a stretch of its own, of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.envelope import Entry


@dataclass(frozen=True, slots=True)
class Judged:
    """A stretch in its order: what a checked signature covers, the last of it being that signature's own entry, and the rest."""

    covered: list[Entry]
    refused: list[Entry]


def stretches(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Cut into pieces in which each entry follows the one before it."""
    found: list[list[Entry]] = []
    for entry in entries:
        if found and follows(found[-1][-1], entry):
            found[-1].append(entry)
        else:
            found.append([entry])
    return found


def follows(before: Entry, entry: Entry) -> bool:
    """Whether ``entry`` commits to ``before`` as the one before it in its epoch."""
    b, h = before.header, entry.header
    return (h.author, h.epoch, h.seq, h.prev) == (b.author, b.epoch, b.seq + 1, before.hash)


def judge(stretch: list[Entry], signed: Callable[[Entry], bool]) -> Judged:
    """Find the last entry with a good signature: it covers all before it, and nothing covers what comes after."""
    for end in range(len(stretch), 0, -1):
        if signed(stretch[end - 1]):
            return Judged(stretch[:end], stretch[end:])
    return Judged([], stretch)


def signed(entry: Entry) -> bool:
    """Whether the entry's own signature is its author's."""
    return identity.verify(entry.author, identity.FEED, entry.header.encode(), entry.sig)
