"""What the portal subscribes to, the engine has."""

from __future__ import annotations

from chorus_tui import store
from chorus_tui.contract.events import TOPICS


def test_every_topic_of_the_portals_store_is_one_of_the_contract():
    """A topic that only the portal knows would have its whole subscription refused."""
    assert set(store.TOPICS) <= set(TOPICS)
