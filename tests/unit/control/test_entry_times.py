"""The time an admin gave its entry is for display; what makes no sense is none, and breaks nothing."""

from __future__ import annotations

import pytest

from chorus_tui.engine.control.entries import said_at_ms


@pytest.mark.parametrize(
    ("hlc", "ms"),
    [
        ("1700000000000:0:x", 1_700_000_000_000),
        ("x", 0),
        ("", 0),
        ("-1:0:x", 0),
        ("٣:0:x", 0),
        ("9" * 400 + ":0:x", 0),
        ("1_0:0:x", 0),
        ("253402300799999:0:x", 253_402_300_799_999),
        ("253402300800000:0:x", 0),
    ],
)
def test_the_time_of_an_entry_is_read_or_none(hlc, ms):
    """A member that leads may write any text there; it is signed and stays, so it must be readable as something."""
    assert said_at_ms(hlc) == ms
