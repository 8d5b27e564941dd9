"""A log that is filtered: what is shown and what is said to be hidden, whatever comes and whatever is typed."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.widgets.event_log import EventLog

CAPACITY = 12
LINES = st.lists(st.sampled_from(["one", "One two", "two", "three ONE", ""]), max_size=2 * CAPACITY)
FILTERS = st.sampled_from(["", "o", "on", "one", "t", "two", "x"])


@given(st.lists(st.one_of(LINES, FILTERS), max_size=20))
def test_a_filter_tells_what_it_shows_and_what_it_hides(acts):
    """While it follows, exactly the held lines with the words are shown, in their order, and as many as it says are hidden: words that
    are typed letter by letter, lines that come meanwhile and lines that are dropped make no difference.
    """
    log, wanted = EventLog("log", capacity=CAPACITY), ""
    with patch.object(EventLog, "scroll_to"):
        for act in acts:
            if isinstance(act, str):
                log.set_filter(wanted := act)
            else:
                log.extend(("info", text) for text in act)
            fitting = [text for _, text in log._lines if wanted in text.casefold()]

            assert [text for _, text in log._shown] == fitting
            assert log.hidden == len(log._lines) - len(fitting)
