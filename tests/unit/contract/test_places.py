"""Places at a door."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.places import Places

MOST = 66


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-40, 40)), max_size=20))
def test_places_are_bounded_and_come_back(steps: list[tuple[int, int]]) -> None:
    """Never more than all of them, nor than half from one address; who leaves makes room, and of an address without connections
    nothing is kept."""
    places = Places(MOST)
    held = dict.fromkeys(range(4), 0)
    for who, comes in ((who, count > 0) for who, count in steps for _ in range(abs(count))):
        if comes:
            room = sum(held.values()) < MOST and held[who] < MOST // 2
            assert (places.take(str(who)) == "") == room
            held[who] += room
        elif held[who]:
            places.leave(str(who))
            held[who] -= 1
        assert len(places) == sum(held.values())
    assert places.addresses() == {str(who) for who, count in held.items() if count}
