"""A range at once: the chain and one signature instead of a signature for each entry. Pure.

**Why that is enough to take a range in.** The header of each entry names the one before by its hash, and the hash covers
the whole header, the hash of the body included. So whoever signed the last header of a stretch signed, by way of the
hashes, every header of it: nobody else can have put a word into it, taken one out, or moved one. What such an entry says is
its author's, whatever stands beside it as its own signature.

**What remains open** is that signature: the hash does not cover it, so a peer on the way may have garbled it, or an author
may have sent a wrong one. It is needed later, when the entry is shown to somebody who does not have the stretch: as
evidence of a fork, or in an export. So it is checked afterwards, in the background (:mod:`signatures`). A wrong one takes
nothing back, because of the above; the right one is asked of others, the author first, and until it came ``journal verify``
says that it is missing.

An entry that is not appended (evidence of a fork, one that fills in a body) is never taken on the word of its stretch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry

AT_ONCE_FROM: Final = 32
"""Entries of a stretch from which on it is checked at once; of a shorter one each is checked by itself."""


def stretches(entries: Sequence[Entry]) -> Iterator[range]:
    """Where each entry follows the one before: the next number of one epoch, naming the hash of that one."""
    start = 0
    for at in range(1, len(entries) + 1):
        if at == len(entries) or not _follows(entries[at], entries[at - 1]):
            yield range(start, at)
            start = at


def check(entries: Sequence[Entry]) -> list[bool]:
    """Which of the entries, in order, were checked by their own signature; the others stand by the last of their stretch.

    Raises :class:`WireError` when a signature that was looked at is not its author's.
    """
    alone: list[bool] = []
    for stretch in stretches(entries):
        each = len(stretch) < AT_ONCE_FROM
        for at in stretch:
            looked = each or at == stretch[-1]
            if looked and not signed(entries[at]):
                raise WireError("bad_signature", "The header's signature is not the author's")
            alone.append(looked)
    return alone


def signed(entry: Entry) -> bool:
    """Whether an entry's own signature is its author's."""
    return identity.verify(entry.author, identity.FEED, entry.header.encode(), entry.sig)


def _follows(entry: Entry, before: Entry) -> bool:
    h, b = entry.header, before.header
    return (h.author, h.epoch, h.seq, h.prev) == (b.author, b.epoch, b.seq + 1, before.hash)
