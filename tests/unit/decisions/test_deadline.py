"""When a vote closes, as people write it."""

from __future__ import annotations

import pytest

from chorus_tui.engine.decisions.deadline import deadline_ms

NOW = 1_800_000_000.0


@pytest.mark.parametrize(("text", "seconds"), [
    ("5s", 5), ("1.5m", 90), ("10 m", 600), ("2h", 7200), ("3d", 259_200), ("2027-01-15T08:00:30Z", 30),
    ("2027-01-15T10:00:30+02:00", 30),
])  # fmt: skip
def test_a_time_from_now_and_a_point_in_time(text, seconds):
    """Both come to Unix milliseconds."""
    assert deadline_ms(text, NOW) == int((NOW + seconds) * 1000)


@pytest.mark.parametrize(("text", "told"), [
    ("soon", "neither"), ("", "neither"), ("5", "neither"), ("0s", "at least a second"), ("2020-01-01T00:00:00Z", "at least"),
    ("400d", "at most a year"), ("2027-01-15T08:00:30", "no time zone"), ("-5m", "neither"),
])  # fmt: skip
def test_what_is_no_deadline_is_told_with_the_way_out(text, told):
    """In the past, too far, without a zone, not a time."""
    with pytest.raises(ValueError, match=told):
        deadline_ms(text, NOW)
