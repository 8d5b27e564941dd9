"""A portal that is left open."""

from __future__ import annotations

import pytest

from tests.support.flooded_portal import MOST_GROWTH_MB, memory_over


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_flood_of_three_minutes_leaves_it_as_large_as_it_was():
    """A thousand events a second in a real terminal, 180,000 in all: memory is flat, the flood is drawn to the end, and a key is answered."""
    samples = memory_over(3)

    assert max(samples) - samples[0] < MOST_GROWTH_MB, samples
