"""The journal in numbers: nothing is counted twice or left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal import statistics
from chorus_tui.engine.journal.statistics import Tally
from tests.unit.journal.test_erasure import bare, erasing, follow
from tests.unit.journal.test_journal import ME, OTHER, feed, journal

NUMBERS = st.integers(0, 10**9)
TALLIES = st.lists(
    st.builds(
        Tally, st.sampled_from("abc"), st.sampled_from(["goodbye", "task_claim", "unknown"]), NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS
    ),
    max_size=20,
)  # fmt: skip


@given(TALLIES)
def test_authors_and_types_both_add_up_to_all(tallies: list[Tally]) -> None:
    """Each entry is one author's and one type's; the largest come first."""
    for shares in (statistics.by_author(tallies), statistics.by_type(tallies)):
        for name in ("entries", "bytes", "erased"):
            assert sum(getattr(share, name) for share in shares) == sum(getattr(tally, name) for tally in tallies)
        assert [share.bytes for share in shares] == sorted((share.bytes for share in shares), reverse=True)


async def test_a_journal_counts_what_it_holds_and_what_it_lacks() -> None:
    """Held, erased, withheld, parked and evidence are told apart."""
    mine = journal()
    await mine.open()
    entries = feed(4)
    await mine.accept([entries[0], entries[1], bare(entries[2]), entries[3]], OTHER.peer_id)
    await mine.accept(feed(9)[7:], OTHER.peer_id)
    await mine.accept(feed(4, words="y")[3:], OTHER.peer_id)
    mine.erasures.apply(erasing(entries[1].entry))
    await follow(mine)
    found = await mine.stats()

    assert (found.entries, found.erased, found.withheld, found.unreadable) == (5, 1, 1, 0)
    assert (found.parked, found.forks, found.evidence) == (2, 1, 1)
    assert {share.author: share.entries for share in found.by_author} == {ME.peer_id: 1, OTHER.peer_id: 4}
    assert {share.type: share.log_type for share in found.by_type} == {
        "goodbye": "peer_left",
        "epoch_opened": "network_event",
    }
    assert found.bytes == sum(share.bytes for share in found.by_author)
