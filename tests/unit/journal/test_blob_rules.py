"""Who keeps which blob, and what may go first."""

from __future__ import annotations

import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal.blobs.rules import CHOSEN, KEPT_BY_ALL, Held, Named, keepers, may_go, ranked

MEMBERS = st.lists(st.sampled_from([f"peer{n}" for n in range(12)]), unique=True)
DIGESTS = st.binary(max_size=8).map(lambda data: "sha256:" + hashlib.sha256(data).hexdigest())
SIZES = st.sampled_from([0, 1, KEPT_BY_ALL, KEPT_BY_ALL + 1, 200 << 20])


def named(digest: str, size: int, by: list[str], *, record: bool = True) -> Named:
    return Named(digest, size, frozenset(by), record, "a test")


@given(DIGESTS, SIZES, MEMBERS, MEMBERS, st.booleans())
def test_only_members_keep_and_makers_always_do(digest, size, by, members, record):
    """Whoever made a blob and is a member keeps it; nobody who is no member does."""
    kept = keepers(named(digest, size, by, record=record), members)

    assert set(by) & set(members) <= kept <= set(members)


@given(DIGESTS, SIZES, MEMBERS, MEMBERS)
def test_small_records_are_kept_by_all_and_bigger_ones_by_three_more(digest, size, by, members):
    """Up to 1 MiB every member keeps a record's blob; above that its makers and three others, or as many as there are."""
    kept = keepers(named(digest, size, by), members)
    makers = set(by) & set(members)

    expected = len(members) if size <= KEPT_BY_ALL else len(makers) + min(CHOSEN, len(members) - len(makers))
    assert len(kept) == expected


@given(DIGESTS, SIZES, MEMBERS, st.permutations(range(12)))
def test_every_peer_computes_the_same(digest, size, by, order):
    """The order in which a peer came to know the members does not matter."""
    members = [f"peer{n}" for n in order]

    assert keepers(named(digest, size, by), members) == keepers(named(digest, size, by), sorted(members))


@given(DIGESTS, MEMBERS.filter(bool), st.data())
def test_a_member_that_leaves_moves_only_what_it_kept(digest, members, data):
    """Without one member the others keep what they kept, and one more of them does if it was a keeper."""
    big = named(digest, KEPT_BY_ALL + 1, [])
    gone = data.draw(st.sampled_from(members))
    before, after = keepers(big, members), keepers(big, [member for member in members if member != gone])

    assert before - {gone} <= after
    assert len(after - before) <= (1 if gone in before else 0)


def test_bigger_blobs_spread_over_the_members():
    """Of 2,000 blobs no member of ten is chosen for less than half or more than twice its share."""
    members = [f"peer{n}" for n in range(10)]
    chosen = Counter(
        member for n in range(2000) for member in ranked(f"sha256:{n:064x}", members)[:CHOSEN]
    )  # fmt: skip

    share = 2000 * CHOSEN / len(members)
    assert all(share / 2 < chosen[member] < share * 2 for member in members)


HELD = st.lists(
    st.builds(Held, DIGESTS, st.integers(0, 100), st.floats(0, 100)), unique_by=lambda blob: blob.digest
)  # fmt: skip


@given(HELD, st.lists(DIGESTS), st.floats(0, 100))
def test_the_least_recently_used_goes_first_and_nothing_pinned_or_fresh(held, pins, before):
    """What may go is exactly what is neither pinned nor in use, in order of last use."""
    pinned = {*pins, *(blob.digest for blob in held[::2])}
    going = may_go(held, pinned, before)

    assert {blob.digest for blob in going} == {b.digest for b in held if b.digest not in pinned and b.used < before}
    assert [blob.used for blob in going] == sorted(blob.used for blob in going)
