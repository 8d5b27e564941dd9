"""Pages: who does not move is given exactly once, whatever else changes; and only our own cursors are taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.problem import Problem
from chorus_tui.engine import paging

places = st.tuples(st.booleans(), st.floats(-1e12, 1e12, allow_nan=False), st.text(max_size=5))
Rows = st.frozensets(places, max_size=30)


@given(Rows, st.lists(Rows, max_size=8), st.integers(1, 7))
def test_who_stays_is_given_once(stay, others, limit):
    """While others come and go between two pages, each row that stays is given once, in order, and no page is too long."""
    given_rows, after, turn = [], None, 0
    while True:
        rows = stay | (others[turn % len(others)] if others else frozenset())
        got, last = paging.page(rows, lambda row: row, limit, after)
        assert len(got) <= limit
        assert turn < 500, "the pages come to an end"
        given_rows += got
        if last is None:
            break
        after = paging.from_cursor("x", {"a": 1}, paging.to_cursor("x", {"a": 1}, last))
        turn += 1

    assert [row for row in given_rows if row in stay] == sorted(stay)
    assert given_rows == sorted(set(given_rows))


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_what_is_no_cursor_is_refused(text):
    """Any other text is 422, never an error of ours."""
    with pytest.raises(Problem) as caught:
        paging.from_cursor("x", {}, text)

    assert caught.value.status == 422


def test_a_cursor_belongs_to_its_list_and_filters():
    """In another list, under other filters, or with a letter changed it is refused."""
    cursor = paging.to_cursor("x", {"state": "open"}, (1, "a"))

    assert paging.from_cursor("x", {"state": "open"}, cursor) == (1, "a")
    for name, filters, text in (
        ("y", {"state": "open"}, cursor), ("x", {"state": None}, cursor), ("x", {"state": "open"}, cursor[:-2] + "AA"),
    ):  # fmt: skip
        with pytest.raises(Problem):
            paging.from_cursor(name, filters, text)


def test_a_place_of_another_kind_is_refused():
    """A cursor made up with parts that do not compare is 422."""
    with pytest.raises(Problem):
        paging.page([(1, "a")], lambda row: row, 5, ("a", 1))
