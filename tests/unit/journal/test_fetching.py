"""Who brings what: a long stretch comes from one member at a time, and nobody can keep the others from bringing it."""

from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal.chain import Frontier, lead, missing
from chorus_tui.engine.journal.fetching import BULK, STALL_S, TURN_S, Fetching

LONG: Frontier = {"author": {"e": (BULK, "h")}}
SHORT: Frontier = {"author": {"e": (BULK - 1, "h")}}
EPOCHS = st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 9), st.just("h")))


@given(EPOCHS, EPOCHS)
def test_the_lead_is_what_is_sent(ours: dict[str, tuple[int, str]], theirs: dict[str, tuple[int, str]]) -> None:
    """By so many entries they are ahead, so many will come."""
    sent = sum(theirs[epoch][0] - start for _, epoch, start in missing({"x": theirs}, {"x": ours}))

    assert lead(ours, theirs) == sent


async def test_the_second_is_put_off_and_asked_again() -> None:
    """While one brings a feed nothing of it is taken from another; when it has ended the other is asked, once."""
    fetching = Fetching()
    first, second = fetching.session("first"), fetching.session("second")
    left = [session.begin({}, LONG) for session in (first, second)]
    takes = [session.takes("author") for session in (first, second)]
    ended = [second.end(), first.end(), first.end()]

    assert left == [set(), {"author"}]
    assert takes == [True, False]
    assert ended == [[], ["second"], []]
    assert fetching.session("second").begin({}, LONG) == set()


async def test_short_stretches_are_never_put_off() -> None:
    """Live talk comes from whoever has it."""
    fetching = Fetching()

    assert [fetching.session(name).begin({}, SHORT) for name in "ab"] == [set(), set()]
    assert fetching.bringing("author") is None


async def test_whoever_brings_too_little_loses_its_turn(autojump_clock) -> None:
    """A member that claims a long stretch and brings it by drops is left after a while, and so is one that is merely slow."""
    began = trio.current_time()
    with Fetching().session("drop by drop").scope as scope:
        await trio.sleep_forever()
    dropped = trio.current_time() - began
    slow = Fetching().session("slow")
    began = trio.current_time()
    with slow.scope as slow_scope:
        while True:
            await trio.sleep(STALL_S / 2)
            slow.headway(BULK)

    assert (scope.cancelled_caught, dropped) == (True, STALL_S)
    assert (slow_scope.cancelled_caught, trio.current_time() - began) == (True, TURN_S)
