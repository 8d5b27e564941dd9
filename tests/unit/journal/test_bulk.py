"""Ranges taken in at once: what stands by the signature after it, and what never does."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal import bulk, frames
from chorus_tui.engine.journal.bulk import AT_ONCE_FROM
from chorus_tui.engine.journal.database import InlineDatabase
from chorus_tui.engine.journal.erasure import BODY_ERASED
from chorus_tui.engine.journal.intake import Heard
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from tests.unit.journal.test_journal import OTHER, feed, journal

LONG = 2 * AT_ONCE_FROM
FEED = [heard.entry for heard in feed(LONG)]
BRANCH = [heard.entry for heard in feed(LONG, words="y")]
SOME = st.lists(st.sampled_from([*FEED, *BRANCH]) | st.slices(LONG).map(lambda part: FEED[part]), max_size=6)


def garble(entry: Entry) -> Entry:
    """The same entry with a signature that somebody spoilt on the way."""
    return replace(entry, sig="0" * 128)


def items(entries: list[Entry]) -> list[object]:
    return [frames.item(entry.header.encode(), entry.sig, entry.body) for entry in entries]


@given(SOME)
def test_stretches_are_whole_and_as_long_as_they_can_be(parts):
    """Every entry is in one stretch, in order; within it each names the one before, and where it ends the next does not."""
    entries = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    found = list(bulk.stretches(entries))

    def follows(at: int) -> bool:
        return (
            entries[at].header.prev == entries[at - 1].hash and entries[at].header.seq == entries[at - 1].header.seq + 1
        )

    assert [at for stretch in found for at in stretch] == list(range(len(entries)))
    starts = {stretch[0] for stretch in found}
    assert all(follows(at) != (at in starts) for at in range(1, len(entries)))


def test_a_long_stretch_stands_by_its_last_signature():
    """Only the last is looked at, and it must be right."""
    assert bulk.check(FEED) == [False] * (LONG - 1) + [True]
    assert bulk.check([*FEED[:5], garble(FEED[5]), *FEED[6:]]) == [False] * (LONG - 1) + [True]
    with pytest.raises(WireError, match="signature"):
        bulk.check([*FEED[:-1], garble(FEED[-1])])


def test_a_short_stretch_stands_by_each():
    """What comes a few at a time is checked as ever."""
    short = FEED[: AT_ONCE_FROM - 1]

    assert bulk.check(short) == [True] * len(short)
    with pytest.raises(WireError, match="signature"):
        bulk.check([garble(short[0]), *short[1:]])


@given(st.integers(0, LONG - 2), st.sampled_from(["hlc", "body_hash", "prev"]))
def test_nobody_but_the_author_changes_a_word_of_a_stretch(at, field):
    """A changed header is another hash, so the stretch breaks there, and the piece before has no signature to stand by."""
    value = "2:0:z" if field == "hlc" else "0" * 64
    changed = replace(FEED[at].header, **{field: value})
    lie = frames.item(changed.encode(), FEED[at].sig, None)
    header, sig, _ = lie["header"].encode(), lie["sig"], None
    forged = frames.entry_from_header(header, sig, None, verified=True)

    with pytest.raises(WireError, match="signature"):
        bulk.check([*FEED[:at], forged, *FEED[at + 1 :]])


async def lazily(entries: list[Entry]) -> list[Heard]:
    return await frames.heard_range(items(entries))


async def test_a_garbled_signature_is_found_afterwards_and_takes_nothing_back() -> None:
    """The range is taken in; the background check names what is wrong, ``journal verify`` says so, nothing else changes."""
    mine = journal()
    await mine.open()
    await mine.accept(await lazily([*FEED[:5], garble(FEED[5]), *FEED[6:]]), OTHER.peer_id)
    while await mine.signatures.check_some():
        pass

    assert mine.store.garbled(10) == [FEED[5].key]
    assert mine.get(*FEED[5].key).data == FEED[5].data
    assert not (await mine.verify()).ok
    await mine.store.mend([FEED[5]])
    assert mine.store.garbled(10) == []
    assert (await mine.verify()).ok


async def test_a_crash_forgets_no_signature_that_was_not_looked_at() -> None:
    """What is to be checked is on disk with the entries, and the next life goes on with it."""
    database = InlineDatabase(SCHEMA)
    first = journal(database)
    await first.open()
    await first.accept(await lazily([*FEED[:5], garble(FEED[5]), *FEED[6:]]), OTHER.peer_id)
    again = journal(InlineDatabase(SCHEMA, database.image()), seed=3)
    await again.open()
    while await again.signatures.check_some():
        pass

    assert again.store.garbled(10) == [FEED[5].key]
    assert again.store.unchecked() is None


async def test_an_erased_entry_s_signature_is_looked_at_too() -> None:
    """Its header stays for good, so its signature must be right like any other."""
    mine = journal()
    await mine.open()
    author, epoch, seq = FEED[5].key
    named = {"author": author, "epoch": epoch, "seq": seq, "hash": FEED[5].hash}
    mine.erasures.apply(SimpleNamespace(type=BODY_ERASED, data=named))
    await mine.accept(await lazily([*FEED[:5], garble(FEED[5]), *FEED[6:]]), OTHER.peer_id)
    while await mine.signatures.check_some():
        pass

    assert mine.get(*FEED[5].key).body is None
    assert mine.store.garbled(10) == [FEED[5].key]


async def test_evidence_never_stands_by_its_stretch() -> None:
    """The other branch of a fork is evidence only with a signature of its own: portable proof must hold by itself."""
    mine = journal()
    await mine.open()
    await mine.accept(feed(LONG), OTHER.peer_id)
    await mine.accept(await lazily([garble(entry) for entry in BRANCH[:-1]] + BRANCH[-1:]), OTHER.peer_id)

    kept = {header for header, _ in mine.store.evidence(held_too=False)}
    assert kept <= {BRANCH[-1].header.encode()}
    await mine.accept(await lazily(BRANCH), OTHER.peer_id)
    assert mine.forks() == [(OTHER.peer_id, "a" * 32, 0)]
    assert (await mine.verify()).ok
