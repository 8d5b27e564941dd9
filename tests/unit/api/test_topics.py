"""The event topics: what the portal follows the engine gives."""

from __future__ import annotations

from chorus_tui import store
from chorus_tui.contract import events


def test_the_portal_follows_only_topics_that_there_are():
    """A topic that the contract does not name is refused, and with it the whole subscription."""
    assert set(store.TOPICS) <= set(events.TOPICS)
