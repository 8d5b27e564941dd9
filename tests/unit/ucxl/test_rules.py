"""Numbers, siblings and steps: functions of the set of versions alone."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract import ucxl
from chorus_tui.contract.ucxl import Address, Temporal, parse
from chorus_tui.engine.protocol import canonical, messages
from chorus_tui.engine.ucxl import rules
from chorus_tui.engine.ucxl.book import Book
from chorus_tui.engine.ucxl.interface import Gone, NotFound, OutOfBounds, Several
from tests.unit.ucxl.histories import HISTORIES, PEERS, PLACE, as_entry, told

HERE = parse(PLACE)


def book(versions, *, passed=False, stands=lambda _named: False) -> Book:
    made = Book(lambda: lambda _told: passed, lambda _author: True, stands)
    for one in versions:
        made.apply(as_entry(one), one.said)
    return made


def test_what_a_member_says_it_erased_settles_nothing_of_anothers():
    """A version waits for the one that it follows, whoever claims of an entry that never was that it had this hash."""
    header = (PEERS[0], "e", 3, "f" * 64)
    follows = told("0" * 64, PEERS[1], (2, 0), parents=[header[3]])
    made = book([follows], passed=True, stands=lambda named: named == header)
    made.erase((PEERS[2], "x", 0, header[3]))
    claimed = made.versions(PLACE)[0].settled
    made.erase(header)

    assert not claimed
    assert made.versions(PLACE)[0].settled


def above(versions, entry, found=None) -> set[str]:
    """All that a version follows, by walking."""
    found = set() if found is None else found
    for parent in versions[entry].said.parents:
        if parent not in found:
            found.add(parent)
            above(versions, parent, found)
    return found


@given(HISTORIES, st.randoms(use_true_random=False))
def test_histories_are_equal_in_whatever_order_they_arrive(versions, chance):
    """Any sequence of writes and removals by three peers: number, siblings and all, on every peer."""
    arrived = list(versions.values())
    chance.shuffle(arrived)

    assert book(arrived).versions(PLACE) == book(versions.values()).versions(PLACE)


@given(HISTORIES)
def test_no_version_comes_before_one_that_it_follows(versions):
    """However wrong the clock of whoever wrote it was; and none is lost."""
    order = [one.entry for one in rules.ordered(versions)]

    assert sorted(order) == sorted(versions)
    for entry in order:
        assert all(order.index(other) < order.index(entry) for other in above(versions, entry))


@given(HISTORIES)
def test_siblings_are_those_of_which_neither_knew_the_other(versions):
    """As walking from parent to parent finds them."""
    order = rules.ordered(versions)
    found = rules.siblings(order)

    for one, apart in zip(order, found, strict=True):
        expected = [
            other.entry for other in order
            if other is not one and other.entry not in above(versions, one.entry) and one.entry not in above(versions, other.entry)
        ]  # fmt: skip
        assert (list(apart.first), apart.count) == (expected[: rules.MOST_SIBLINGS], len(expected))


@given(HISTORIES, st.integers(1, 6))
def test_siblings_within_a_window_are_exact(versions, window):
    """However narrow it is: as all of them, of which those farther away are left out."""
    order = rules.ordered(versions)
    with patch.object(rules, "WINDOW", window):
        found = rules.siblings(order)

    for index, one in enumerate(order):
        near = order[max(0, index - window) : index + window + 1]
        expected = [
            other.entry for other in near
            if other is not one and other.entry not in above(versions, one.entry) and one.entry not in above(versions, other.entry)
        ]  # fmt: skip
        assert list(found[index].first) == expected[: rules.MOST_SIBLINGS]
        assert found[index].count == len(expected)


def test_many_versions_without_parents_have_few_siblings_each():
    """Whoever writes thousands of them makes nobody keep a list of all for each."""
    many = {f"{n:064}": told(f"{n:064}", "x", (n, 0)) for n in range(3_000)}
    listed = book(many.values()).versions(PLACE)

    assert sum(len(version.siblings) for version in listed) <= rules.MOST_SIBLINGS * len(many)
    assert listed[1_500].siblings == tuple(f"{n:064}" for n in range(1_500 - rules.WINDOW, 1_500 - rules.WINDOW + 16))
    assert listed[1_500].sibling_count == 2 * rules.WINDOW


def test_what_a_place_costs_grows_with_its_versions_and_not_with_their_square():
    """20,000 versions, each of which follows sixteen: what is known of each is bounded, and so is the memory all of it takes."""
    entries = [f"{n:064}" for n in range(20_000)]
    order = [told(entry, "x", (n, 0), parents=entries[max(0, n - 16) : n]) for n, entry in enumerate(entries)]
    before, after = rules.related(order)
    tracemalloc.start()
    found = rules.siblings(order)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert max(mask.bit_length() for mask in before + after) == rules.WINDOW
    assert most < 40 * 2**20
    assert {one.count for one in found} == {0}


@given(HISTORIES, st.data())
def test_what_is_settled_never_moves(versions, data):
    """Whatever part of a history is here, and whatever comes later: settled versions keep their numbers."""
    heard = (data.draw(st.integers(0, 45)), 0)
    late = [one for one in versions.values() if one.at > heard]
    missing = data.draw(st.sets(st.sampled_from([one.entry for one in late]))) if late else set()
    here = {entry: one for entry, one in versions.items() if entry not in missing}
    before, after = rules.ordered(here), rules.ordered(versions)
    count = rules.settled(before, lambda one: one.at < heard, set())

    assert before[:count] == after[:count]
    assert rules.settled(before, lambda _one: False, set()) == 0


@given(HISTORIES)
def test_what_nobody_follows_is_what_an_edit_follows(versions):
    """Heads: never empty, and of two neither follows the other."""
    found = rules.heads(rules.ordered(versions))

    assert found
    assert all(other not in above(versions, entry) for entry in found for other in found)


@given(
    HISTORIES,
    st.sampled_from(["version", "back", "forward"]),
    st.one_of(st.integers(0, 15), st.integers(0, ucxl.MOST_VERSION)),
)
def test_a_temporal_stays_within_its_bounds(versions, kind, n):
    """A version of the history, or an error that names the first and the last; a printed address resolves to the same."""
    n = max(n, 1) if kind == "version" else n
    listed = book(versions.values()).versions(PLACE)
    address = HERE.of(Temporal(kind, n))
    again = parse(str(address))
    number = {"version": n, "back": len(listed) - n, "forward": 1 + n}[kind]
    if 1 <= number <= len(listed):
        assert rules.pick(listed, address.temporal, PLACE).n == number
        assert rules.pick(listed, again.temporal, PLACE).n == number
    else:
        with pytest.raises(
            OutOfBounds, match=r"only version 1$" if len(listed) == 1 else rf"versions 1 to {len(listed)}$"
        ):
            rules.pick(listed, again.temporal, PLACE)


@given(HISTORIES, st.integers(-1, 60))
def test_a_moment_means_the_newest_at_or_before_it(versions, ms):
    """Before the first there was none, and that is told."""
    listed = book(versions.values()).versions(PLACE)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    past = [version.n for version in listed if version.at_ms <= ms]
    if past:
        assert rules.pick(listed, Temporal("at", at=moment), PLACE).n == max(past)
    else:
        with pytest.raises(OutOfBounds, match="had no version yet"):
            rules.pick(listed, Temporal("at", at=moment), PLACE)


def test_ten_thousand_steps_never_leave_the_history():
    """A walk by random steps: each leads to a version that exists, or is refused and leads nowhere."""
    chance, current = random.Random(7), 1
    for _ in range(10_000):
        last = chance.randrange(1, 9)
        current = min(current, last)
        operation = chance.choice(["latest", "first", "back", "forward", "version"])
        steps = chance.choice([0, 1, 2, 5, 2**53 - 1])
        with contextlib.suppress(OutOfBounds):
            current = rules.stepped(current, last, operation, steps, PLACE)
        assert 1 <= current <= last


def test_what_was_removed_is_gone_and_what_was_before_is_there():
    """The latest is a tombstone: 410, with the way to the last content."""
    listed = book(
        [
            told("a" * 64, "x", (1, 0)),
            told("b" * 64, "x", (2, 0), digest="", size=0, tombstone=True, parents=["a" * 64]),
        ]
    )
    latest = rules.pick(listed.versions(PLACE), ucxl.LATEST, PLACE)

    with pytest.raises(Gone, match=r"\*~1") as caught:
        rules.readable(latest)
    assert caught.value.code == "UCXL-410-GONE"
    assert rules.readable(rules.pick(listed.versions(PLACE), Temporal("back", 1), PLACE)).n == 1
    assert not listed.live(PLACE)


def test_nothing_known_is_not_found():
    """With its own code."""
    with pytest.raises(NotFound) as caught:
        rules.pick([], ucxl.LATEST, PLACE)
    assert caught.value.code == "UCXL-404-NOT_FOUND"


def test_a_wildcard_means_one_thing_or_says_which():
    """One that fits is it, in the version asked for; of several each is named; none is not found."""
    pattern = parse("ucxl://any:any@shop:api/*~1/")
    one, two = HERE, Address("bob", "developer", "shop", "api", path="b.md")

    assert rules.one_of(pattern, [one]) == one.of(Temporal("version", 1))
    with pytest.raises(Several) as caught:
        rules.one_of(pattern, [one, two])
    assert caught.value.candidates == tuple(sorted(str(each.of(pattern.temporal)) for each in (one, two)))
    assert caught.value.code == "UCXL-300-MULTIPLE_CHOICES"
    with pytest.raises(NotFound):
        rules.one_of(pattern, [])


def test_a_path_is_the_beginning_of_paths_by_whole_segments():
    """``notes`` has ``notes/plan.md`` below it and not ``notesbook``."""
    assert rules.under(HERE, parse("ucxl://any:any@any:any/*^/notes"))
    assert not rules.under(HERE, parse("ucxl://any:any@any:any/*^/note"))
    assert not rules.under(HERE, parse("ucxl://bob:any@any:any/*^/"))


@pytest.mark.parametrize("wrong", [
    {"place": "ucxl://any:b@c:d/*^/x"}, {"place": "ucxl://a:b@c:d/*~1/x"}, {"place": "UCXL://a:b@c:d/*^/x"}, {"place": "ucxl://a:b@c:d/*^/"},
    {"digest": ""}, {"tombstone": True}, {"digest": "", "tombstone": True, "size": 3}, {"parents": ["x"]}, {"parents": ["a" * 64] * 17},
    {"readers": ["master"], "digest": "", "size": 0, "tombstone": True}, {"media_type": "text"}, {"size": 18 * 1024 * 1024},
])  # fmt: skip
def test_a_version_that_is_none_is_refused(wrong):
    """Only a concrete canonical place, either bytes or a tombstone, within bounds."""
    data = {"place": PLACE, "digest": "sha256:" + "a" * 64, "size": 3, **wrong}
    with pytest.raises(canonical.WireError):
        messages.check("ucxl_version", data)
