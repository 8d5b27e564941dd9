"""The rate of one token: never more than its burst and its rate allow, and never a wait that is too short."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.api import throttle
from chorus_tui.engine.api.throttle import BURST_S, Throttle, draw

steps = st.lists(st.floats(0, 3), min_size=1, max_size=60)
rates = st.floats(0.1, 50)


@given(steps, rates)
def test_no_more_than_the_rate_and_one_burst(pauses, rate):
    """From any moment on, at most the burst and what came in since are let through."""
    bucket, now, passed = None, 100.0, []
    for pause in pauses:
        now += pause
        bucket, wait = draw(bucket, now, rate)
        if wait == 0:
            passed.append(now)
        most = max(1.0, rate * BURST_S)
        for i, start in enumerate(passed):
            assert len(passed) - i <= most + (now - start) * rate + 1e-6


@given(st.floats(0, 1e6), st.floats(0.1, 20))
def test_silence_saves_up_one_burst_and_no_more(silence, rate):
    """However long a caller was silent, it may then ask as often as its burst has it, at once."""
    bucket, wait, passed = draw(None, 0.0, rate)[0], 0.0, 0
    while wait == 0 and passed < 100:
        bucket, wait = draw(bucket, silence, rate)
        passed += wait == 0

    assert passed <= max(1.0, rate * BURST_S)


@given(steps, rates)
def test_who_waits_as_told_gets_through(pauses, rate):
    """The seconds that a refusal names are enough."""
    bucket, now = None, 0.0
    for pause in pauses:
        now += pause
        bucket, wait = draw(bucket, now, rate)
        if wait:
            assert draw(bucket, now + wait + 1e-6, rate)[1] == 0


def test_callers_do_not_share_a_bucket(monkeypatch):
    """What one spends, another still has; the memory of callers is bounded, and who is forgotten starts full."""
    monkeypatch.setattr(throttle, "MOST_CALLERS", 2)
    made = Throttle(1.0)
    assert [made.draw("a", 0.0), made.draw("a", 0.0)] == [0.0, 0.0]
    assert made.draw("a", 0.0) > 0
    assert [made.draw("b", 0.0), made.draw("c", 0.0), made.draw("a", 0.0)] == [0.0, 0.0, 0.0]
