"""Single signatures of what came in bulk: checked later, never forgotten, mended where they are wrong."""

from __future__ import annotations

from dataclasses import replace

import trio

from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.journal.vouching import signed
from chorus_tui.engine.protocol.envelope import Entry
from tests.unit.journal.test_erasure import bare, erasing
from tests.unit.journal.test_journal import OTHER, feed, journal
from tests.unit.journal.test_vouching import damaged


def in_bulk(count: int, wrong: frozenset[int] = frozenset()) -> list[Heard]:
    """A stretch as an exchange takes it in: only its last signature was checked."""
    made = []
    for heard in feed(count):
        assert heard.entry is not None
        entry = damaged(heard.entry) if heard.entry.header.seq in wrong else heard.entry
        made.append(readable(entry, vouched=entry.header.seq < count - 1))
    return made


async def checked(mine: FeedJournal) -> None:
    """Let the background come to its end."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mine.signatures.run)
        while mine.signatures.unchecked():
            await trio.sleep(0.1)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_what_is_covered_counts_at_once_and_is_checked_later(autojump_clock) -> None:
    """All of a stretch is held before its signatures were checked one by one; then none waits, and all verifies."""
    mine = journal()
    await mine.open()
    await mine.accept(in_bulk(40), OTHER.peer_id)
    before = (mine.count(), mine.signatures.unchecked())
    await checked(mine)

    assert before == (41, 39)
    assert (mine.signatures.unchecked(), mine.signatures.garbled()) == (0, 0)
    assert (await mine.verify()).ok


async def test_a_crash_forgets_nothing_that_is_to_be_checked(autojump_clock) -> None:
    """What waited for its check before a crash is checked after it."""
    mine = journal()
    await mine.open()
    await mine.accept(in_bulk(40, frozenset({7})), OTHER.peer_id)
    again = journal(mine.store._db, seed=3)
    await again.open()
    await checked(again)

    assert (again.signatures.unchecked(), again.signatures.garbled()) == (0, 1)


async def test_a_wrong_signature_is_found_and_mended(autojump_clock) -> None:
    """The text counts all the same; others are asked, and only the same entry with a better signature takes its place."""
    mine = journal()
    await mine.open()
    await mine.accept(in_bulk(40, frozenset({7, 9})), OTHER.peer_id)
    await checked(mine)
    doubtful = await mine.verify()
    counts = []
    for shown in (feed(10, words="y"), [], feed(8), feed(10)):
        mine.replication.branch = shows(shown)
        await mine.signatures.mend_from(OTHER.peer_id)
        counts.append(mine.signatures.garbled())

    assert mine.count() == 41
    assert len(doubtful.problems) == 2
    assert counts == [2, 2, 1, 0]
    assert (await mine.verify()).ok


async def test_the_signature_of_an_erased_entry_is_checked_too(autojump_clock) -> None:
    """Its header stays for good, so its signature must be right like any other."""
    mine = journal()
    await mine.open()
    stretch = in_bulk(40, frozenset({5}))
    mine.erasures.apply(erasing(stretch[5].entry))
    await mine.accept(stretch, OTHER.peer_id)
    await checked(mine)
    garbled = mine.signatures.garbled()
    mine.replication.branch = shows([bare(heard) for heard in feed(40)])
    await mine.signatures.mend_from(OTHER.peer_id)

    assert mine.get(OTHER.peer_id, "a" * 32, 5).body is None
    assert (garbled, mine.signatures.garbled()) == (1, 0)


def shows(stretch: list[Heard]):
    """A member that holds this of the feed."""

    async def branch(_peer: str, _author: str, _epoch: str, before: int) -> list[Entry]:
        return [heard.entry for heard in stretch if heard.entry and heard.entry.header.seq < before]

    return branch


async def test_what_extends_nothing_stands_by_its_own_signature() -> None:
    """A duplicate, a gap, the other branch of a fork: none of them is taken on the word of what comes after it."""
    mine = journal()
    await mine.open()
    await mine.accept(in_bulk(4), OTHER.peer_id)
    other = [replace(heard, vouched=True, entry=damaged(heard.entry)) for heard in feed(3, words="y") if heard.entry]
    await mine.accept(other, OTHER.peer_id)
    await mine.accept([replace(in_bulk(9, frozenset({6}))[6])], OTHER.peer_id)

    assert mine.forks() == []
    assert (await mine.stats()).parked == 0
    assert mine.intake._counters.refused["bad_signature"] == 4


async def test_a_fork_is_seen_though_the_held_branch_is_badly_signed() -> None:
    """It counts here from then on; it is not told with a signature that convinces nobody."""
    mine = journal()
    await mine.open()
    await mine.accept(in_bulk(4, frozenset({1})), OTHER.peer_id)
    await mine.accept([feed(2, words="y")[1]], OTHER.peer_id)

    assert mine.forks() == [(OTHER.peer_id, "a" * 32, 1)]
    assert all(signed(held) and signed(other) for held, other in mine.forks_held.untold)
