"""The door before any handshake is done: one address, all addresses, failures."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from chorus_tui.engine.mesh import doorkeeper as module
from chorus_tui.engine.mesh.doorkeeper import Doorkeeper, TurnedAway
from chorus_tui.engine.mesh.interface import MeshCounters
from chorus_tui.engine.mesh.limits import FAILED_HANDSHAKES_PER_SECOND, HANDSHAKES_AT_ONCE, HANDSHAKES_PER_ADDRESS


@pytest.fixture
def time() -> list[float]:
    return [0.0]


@pytest.fixture
def door(time) -> Doorkeeper:
    return Doorkeeper(MeshCounters(), lambda: time[0])


def test_one_address_holds_few_handshakes(door):
    """Beyond its number its oldest makes room: who is honest there is done before, and another address loses nothing."""
    cut: list[int] = []
    with ExitStack() as held:
        held.enter_context(door.at_the_door("b", lambda: cut.append(-1)))
        for number in range(HANDSHAKES_PER_ADDRESS + 2):
            held.enter_context(door.at_the_door("a", lambda number=number: cut.append(number)))

        assert cut == [0, 1]
        assert door.waiting == HANDSHAKES_PER_ADDRESS + 1
    assert door.waiting == 0


def test_this_machines_own_address_is_always_heard(door):
    """Behind it honest peers stand too, whom another user's failures must not keep out."""
    for _ in range(1000):
        with door.at_the_door("127.0.0.1", lambda: None):
            pass
    with door.at_the_door("127.0.0.1", lambda: None) as one:
        one.done = True


def test_a_newcomer_finds_room_when_all_is_full(door):
    """Many addresses that say nothing keep nobody out: the oldest of the busiest is cut for the newcomer."""
    cut: list[str] = []
    with ExitStack() as held:
        for number in range(HANDSHAKES_AT_ONCE):
            name = f"{number % 8}"
            held.enter_context(door.at_the_door(name, lambda name=name, number=number: cut.append(f"{name}:{number}")))
        held.enter_context(door.at_the_door("friend", lambda: None)).done = True

        assert cut == ["0:0"]
        assert door.waiting == HANDSHAKES_AT_ONCE


def test_an_address_that_fails_again_and_again_is_not_heard(door, time):
    """After a burst of failures it is turned away without a handshake, until it slows down; success costs nothing."""
    burst = int(60 * FAILED_HANDSHAKES_PER_SECOND)
    for _ in range(1000):
        with door.at_the_door("friend", lambda: None) as one:
            one.done = True
    for _ in range(burst):
        with door.at_the_door("wrong key", lambda: None):
            pass
    with pytest.raises(TurnedAway, match="failed"), door.at_the_door("wrong key", lambda: None):
        pass
    with door.at_the_door("friend", lambda: None) as one:
        one.done = True
    time[0] += 2 / FAILED_HANDSHAKES_PER_SECOND
    with door.at_the_door("wrong key", lambda: None) as one:
        one.done = True


def test_addresses_are_not_remembered_without_end(door, monkeypatch):
    """Failures from addresses without end fill no memory."""
    monkeypatch.setattr(module, "ADDRESSES_REMEMBERED", 5)
    for number in range(100):
        with door.at_the_door(f"{number}", lambda: None):
            pass

    assert len(door._failures) == 5
