"""Up to when all is here that an author said: never later than what may still come."""

from __future__ import annotations

from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.protocol import envelope, topics
from chorus_tui.engine.protocol.messages import Watermarks
from tests.unit.journal.test_erasure import bare, erasing, follow, with_fold
from tests.unit.journal.test_journal import OTHER


def epoch(letter: str, at: list[int], prev: str | None = None) -> list[Heard]:
    """An epoch of OTHER's feed, said at these milliseconds."""
    made = []
    for seq, ms in enumerate(at):
        said = envelope.make("goodbye", OTHER.peer_id, {"reason": f"{letter} {seq}"}, 1.0)
        entry = envelope.seal(said, topics.COORDINATION, OTHER, epoch=letter * 32, seq=seq, prev=prev, hlc=f"{ms}:7:x")
        prev = entry.hash
        made.append(readable(entry))
    return made


async def heard_after(*batches: list[Heard]):
    mine, _ = await with_fold()
    for batch in batches:
        await mine.accept(batch, OTHER.peer_id)
    return mine, mine.heard_of(OTHER.peer_id)


async def test_the_last_entry_of_a_whole_feed_tells_when():
    """And of somebody of whom nothing is here it is not known."""
    mine, heard = await heard_after(epoch("a", [1, 5, 9]))

    assert heard == (9, 7)
    assert mine.heard_of("somebody") is None
    await mine.accept(epoch("a", [1, 5, 9, 12]), OTHER.peer_id)
    assert mine.heard_of(OTHER.peer_id) == (12, 7)


async def test_an_epoch_whose_end_is_missing_leaves_it_open():
    """A newer epoch commits to entries that are not here: they were said before, and may come yet."""
    first = epoch("a", [1, 5, 9])
    second = epoch("b", [20, 21], prev=first[-1].entry.hash)
    mine, heard = await heard_after(first[:1], second)
    await mine.accept(first, OTHER.peer_id)

    assert heard is None
    assert mine.heard_of(OTHER.peer_id) == (21, 7)


async def test_a_withheld_text_leaves_it_open_an_erased_one_does_not():
    """What it says may come yet; what was erased never will."""
    entries = epoch("a", [1, 5, 9])
    mine, heard = await heard_after([entries[0], bare(entries[1]), entries[2]])
    assert heard is None
    mine.erasures.apply(erasing(entries[1].entry))
    await follow(mine)
    assert mine.heard_of(OTHER.peer_id) == (9, 7)


async def test_a_forked_feed_leaves_it_open():
    """Which of its entries count is not decided."""
    _, heard = await heard_after(epoch("a", [1, 5]), epoch("a", [2, 6]))

    assert heard is None


async def test_what_a_peer_says_after_it_held_an_entry_it_said_knowing_it():
    """By its own word, once all that it had said until then is here; of what it does not hold, and of the rest, nothing is known."""
    mine, _ = await with_fold()
    own = await mine.say("goodbye", {"reason": "mine"})
    theirs = epoch("a", [1, 5, 9])
    await mine.accept(theirs[:2], OTHER.peer_id)

    async def told(count: int, own_count: int) -> bool:
        held = {own.author: {own.header.epoch: count}, OTHER.peer_id: {"a" * 32: own_count}}
        await mine.replication.hear_watermarks(OTHER.peer_id, Watermarks(held=held), "")
        return mine.knew(OTHER.peer_id, own.key)

    assert not mine.knew(OTHER.peer_id, own.key)
    assert not await told(own.header.seq, 2)
    assert not await told(own.header.seq + 1, 3)
    await mine.accept(theirs, OTHER.peer_id)
    assert mine.knew(OTHER.peer_id, own.key)
    assert not mine.knew("somebody", own.key)
    await mine.accept(epoch("b", [20], prev="f" * 64), OTHER.peer_id)
    assert not mine.knew(OTHER.peer_id, own.key)
