"""Places of connections of the browser portal."""

from __future__ import annotations

from chorus_tui.contract.places import Places
from chorus_tui.serve.web.connections import Connections
from chorus_tui.serve.web.rules import Limits


def test_one_too_many_is_counted_and_told() -> None:
    """Each that is not taken, and none of the others."""
    told: list[int] = []
    connections = Connections(Places(2), lambda: told.append(1))
    answers = [connections.come(address) for address in ("a", "a", "b", "c")]

    assert [not why for why in answers] == [True, False, True, False]
    assert (len(connections.places), connections.refused, len(told)) == (2, 2, 2)


def test_there_are_places_for_all_tabs_through_one_tunnel() -> None:
    """However many tabs there may be, half of the connections hold them."""
    assert all(Limits(sessions=tabs).connections // 2 > tabs for tabs in (1, 8, 100, 1000))
