"""How far a feed was read: what a peer states to have known, so it must never say more than its features were given."""

from __future__ import annotations

from tests.unit.journal.test_erasure import bare, erasing, follow, with_fold
from tests.unit.journal.test_journal import OTHER, feed


async def read_after(*batches):
    """The one epoch's next number, after these entries came."""
    mine, _ = await with_fold()
    for batch in batches:
        await mine.accept(batch, OTHER.peer_id)
    return mine, next(iter(mine.read_of(OTHER.peer_id).values()), 0)


async def test_what_is_held_whole_was_read():
    """Up to the end of the epoch; of a stranger nothing."""
    mine, read = await read_after(feed(3))

    assert read == 3
    assert mine.read_of("somebody") == {}


async def test_a_withheld_text_was_not_read_nor_what_follows():
    """Not before it comes: an admin that lacks a vote's text must not be taken to have left it out."""
    entries = feed(4)
    mine, read = await read_after([entries[0], bare(entries[1]), *entries[2:]])
    await mine.accept(entries, OTHER.peer_id)

    assert read == 1
    assert set(mine.read_of(OTHER.peer_id).values()) == {4}


async def test_an_erased_text_keeps_nothing_from_being_read():
    """It is nobody's any more."""
    mine, _ = await read_after(entries := feed(3))
    mine.erasures.apply(erasing(entries[1].entry))
    await follow(mine)

    assert set(mine.read_of(OTHER.peer_id).values()) == {3}


async def test_nothing_behind_a_fork_was_read():
    """It counts for no feature, so it is stated by nobody."""
    _, read = await read_after(feed(3), feed(1, words="y"))

    assert read == 0
