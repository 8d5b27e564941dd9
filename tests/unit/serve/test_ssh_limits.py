"""The sums behind the refusals of the SSH portal."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.serve.ssh.limits import MOST_ADDRESSES, Callers, Limits, Places, pace, window
from chorus_tui.serve.typed import Typing

FEW = Limits(sessions=5, a_key=2, an_address=3, waiting=4, failures=3, failures_s=60.0)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.sampled_from("abc"), st.sampled_from("xyz")), max_size=60)
)
def test_no_more_sit_than_there_are_places(steps):
    """At every moment the limits hold for all, for each key and for each address; who has left frees his place, once."""
    places, seated = Places(FEW), {}
    for comes, guest, key, address in steps:
        if comes and guest not in seated:
            if not places.take(guest, key, address):
                seated[guest] = (key, address)
        elif not comes:
            places.leave(guest)
            seated.pop(guest, None)

        assert len(places) == len(seated) <= FEW.sessions
        assert max(Counter(key for key, _ in seated.values()).values(), default=0) <= FEW.a_key
        assert max(Counter(address for _, address in seated.values()).values(), default=0) <= FEW.an_address


def test_a_refusal_says_which_limit():
    """Who is refused learns whether all places, his key's or his address's are taken."""
    places = Places(FEW)
    taken = [places.take(n, key, address) for n, (key, address) in enumerate(["ax", "ax", "bx", "by", "cy"])]

    assert taken == [""] * 5
    assert "all 5 places" in places.take(9, "d", "z")
    places.leave(4)
    assert "of this key" in places.take(9, "a", "z")
    assert "from this address" in places.take(9, "d", "x")


def test_who_fails_often_has_to_wait_and_others_do_not():
    """After its failures an address is not spoken to for a while; another one is, and the first again when time has passed."""
    callers = Callers(FEW)
    for at in range(3):
        callers.fail("bad", float(at))

    assert not callers.come("bad", 3.0)
    assert callers.come("good", 3.0)
    assert callers.come("bad", 62.5)


def test_connections_that_never_log_in_take_few_places():
    """One address holds half of what may wait; all together no more than that; who settles makes room."""
    callers = Callers(FEW)
    assert [callers.come("one", 0.0) for _ in range(4)] == [True, True, False, False]
    assert [callers.come(name, 0.0) for name in ("two", "three", "four")] == [True, True, False]
    callers.settle("one")
    assert callers.come("four", 0.0)


def test_addresses_are_forgotten():
    """However many addresses fail, what is remembered of them stays bounded."""
    callers = Callers(FEW)
    for number in range(5000):
        callers.fail(f"10.0.{number}", 0.0)

    assert len(callers._failed) == MOST_ADDRESSES


def test_typing_waits_when_it_is_more_than_anybody_types():
    """A burst passes at once; what is beyond it waits as long as its rate says, and no longer."""
    typing = Typing(0.0, rate=10.0, burst=20.0)

    assert typing.draw(20, 0.0) == 0
    assert typing.draw(5, 0.0) == 0.5
    assert typing.draw(0, 0.5) == 0
    assert typing.draw(20, 100.0) == 0


@given(st.integers(-10, 2**32), st.integers(-10, 2**32))
def test_any_window_can_be_drawn(width, height):
    """Whatever size a client tells, what is drawn has a size between the least and the most."""
    wide, high = window(width, height)

    assert 20 <= wide <= 500 and 5 <= high <= 200


def test_the_pace_falls_with_the_number_of_sessions():
    """Alone eight repaints a second, many share thirty, nobody has less than one."""
    assert [pace(n) for n in (0, 1, 10, 40)] == [8.0, 8.0, 3.0, 1.0]
