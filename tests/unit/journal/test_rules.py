"""The pure rules: the hybrid clock, chains, parked entries, what is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal.chain import missing
from chorus_tui.engine.journal.hlc import MAX_SKEW_MS, Hlc, HybridClock

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 10**10), st.one_of(st.none(), st.tuples(st.integers(0, 10**13), st.integers(0, 9_999_999)))
    )
)


@given(EVENTS)
def test_own_readings_always_grow(events) -> None:
    """Whatever the wall clock and others' clocks do, each own reading is later than the one before."""
    clock, last = HybridClock("me"), Hlc(-1, 0, "me")
    for wall_ms, remote in events:
        if remote is not None:
            clock.hear(Hlc(*remote, "you"), wall_ms / 1000)
        now = clock.tick(wall_ms / 1000)
        assert now > last
        last = now


@given(st.integers(0, 10**12), st.integers(0, 10**15 - 1), st.integers(0, 9_999_999))
def test_a_remote_clock_never_moves_ours_beyond_five_minutes(wall_ms: int, remote_ms: int, counter: int) -> None:
    """However far ahead a peer's clock is, ours stays within five minutes of the wall."""
    clock = HybridClock("me")
    clock.hear(Hlc(remote_ms, counter, "you"), wall_ms / 1000)

    assert clock.tick(wall_ms / 1000).ms <= wall_ms + MAX_SKEW_MS + 1


@given(st.integers(0, 10**15 - 1), st.integers(0, 9_999_999))
def test_readings_survive_being_written(ms: int, counter: int) -> None:
    """Parsing what was written gives the same reading."""
    assert Hlc.parse(str(Hlc(ms, counter, "abc"))) == Hlc(ms, counter, "abc")


def test_equally_long_branches_of_a_fork_are_shown_to_each_other() -> None:
    """Equal feeds send nothing; a shorter one its rest; two different heads of one length the last entry."""
    ours = {"p": {"e": (4, "x")}}

    assert missing(ours, {"p": {"e": (4, "x")}}) == []
    assert missing(ours, {"p": {"e": (1, "w")}}) == [("p", "e", 1)]
    assert missing(ours, {"p": {"e": (4, "y")}}) == [("p", "e", 3)]
    assert missing(ours, {}) == [("p", "e", 0)]
