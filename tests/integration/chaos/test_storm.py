"""Cuts, one-way cuts, loss, sleep and death at once, in little; ``python -m tests.soak chaos`` has them at length."""

from __future__ import annotations

import pytest

from tests.chaos.storm import storm

SEED = 3
SECONDS = 15.0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_short_storm(hurt):
    """Five peers with the fast election profile, tasks announced all the while: afterwards there is one admin and one log,
    every task has ended once, and nothing any screen or command said was untrue."""
    hurt.grow("ada", "ben", "cleo", "dan", "eve", CHORUS_ELECTION_PROFILE="fast")

    assert storm(hurt, SEED, SECONDS) == []
