"""The rule of bulk: what a checked signature covers counts, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal.signatures import spans
from chorus_tui.engine.journal.vouching import follows, judge, signed, stretches
from chorus_tui.engine.protocol.canonical import sha256_hex
from chorus_tui.engine.protocol.envelope import Entry
from tests.unit.journal.test_journal import feed

WRONG = "0" * 128
CHAIN: list[Entry] = [heard.entry for heard in feed(12) if heard.entry is not None]


def damaged(entry: Entry) -> Entry:
    """The same words beside a wrong signature."""
    return replace(entry, sig=WRONG)


def reworded(entry: Entry) -> Entry:
    """Other words under the old signature, as somebody on the way would have to do it."""
    header = replace(entry.header, body_hash="e" * 64)
    return replace(entry, header=header, hash=sha256_hex(header.encode()))


@given(st.sets(st.integers(0, 11)))
def test_the_last_good_signature_covers_all_before_it_and_nothing_after(wrong: set[int]) -> None:
    """Whichever signatures are wrong: what counts ends with a good one, and what is refused holds none."""
    stretch = [damaged(entry) if entry.header.seq in wrong else entry for entry in CHAIN]
    judged = judge(stretch, signed)

    assert judged.covered + judged.refused == stretch
    assert not judged.covered or signed(judged.covered[-1])
    assert not any(signed(entry) for entry in judged.refused)


@given(st.integers(0, 11), st.booleans())
def test_nothing_can_be_reworded_under_a_later_signature(seq: int, tells_the_next: bool) -> None:
    """Other words under any number never count, whether or not the next entry is made to name them."""
    forged = list(CHAIN)
    forged[seq] = reworded(CHAIN[seq])
    if tells_the_next and seq < 11:
        header = replace(CHAIN[seq + 1].header, prev=forged[seq].hash)
        forged[seq + 1] = replace(CHAIN[seq + 1], header=header, hash=sha256_hex(header.encode()))
    counted = [entry for stretch in stretches(forged) for entry in judge(stretch, signed).covered]

    assert all(entry in CHAIN for entry in counted)


@given(st.lists(st.sampled_from(CHAIN), max_size=20))
def test_stretches_are_chains_and_lose_nothing(entries: list[Entry]) -> None:
    """In whatever order entries come, each stretch is one chain, and together they are what came."""
    cut = stretches(entries)

    assert [entry for stretch in cut for entry in stretch] == entries
    assert all(follows(one, next_) for stretch in cut for one, next_ in pairwise(stretch))
    assert not any(follows(one[-1], next_[0]) for one, next_ in pairwise(cut))


@given(st.lists(st.sampled_from(CHAIN), max_size=20))
def test_spans_name_each_entry_once(entries: list[Entry]) -> None:
    """What is to be checked later is named whole, by first and last number."""
    named = [(*span[:2], seq) for span in spans(entries) for seq in range(span[2], span[3] + 1)]

    assert named == [entry.key for entry in entries]
