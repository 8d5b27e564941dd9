"""Places of connections of the browser portal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.serve.web.connections import Connections
from chorus_tui.serve.web.rules import Limits


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-40, 40)), max_size=20))
def test_places_are_bounded_and_come_back(steps: list[tuple[int, int]]) -> None:
    """Never more than all of them, nor than half from one address; each refusal is counted and told; who leaves makes room, and of an
    address without connections nothing is kept."""
    told: list[int] = []
    connections = Connections(Limits(sessions=1), lambda: told.append(1))
    held = dict.fromkeys(range(4), 0)
    refused, most = 0, Limits(sessions=1).connections
    for who, comes in ((who, count > 0) for who, count in steps for _ in range(abs(count))):
        if comes:
            room = sum(held.values()) < most and held[who] < most // 2
            assert (connections.come(str(who)) == "") == room
            held[who] += room
            refused += not room
        elif held[who]:
            connections.leave(str(who))
            held[who] -= 1
        assert (len(connections), connections.refused, len(told)) == (sum(held.values()), refused, refused)
    assert set(connections._open) == {str(who) for who, count in held.items() if count}


def test_there_are_places_for_all_tabs_through_one_tunnel() -> None:
    """However many tabs there may be, half of the connections hold them."""
    assert all(Limits(sessions=tabs).connections // 2 > tabs for tabs in (1, 8, 100, 1000))
