"""Simulated time for whole meshes in one process: nothing here waits for threads or sockets."""

from __future__ import annotations

import pytest

from chorus_tui.engine.simulated_time import JumpingClock


@pytest.fixture
def autojump_clock() -> JumpingClock:
    """The simulator's own clock in place of trio's mock clock: the same order of events, one round of the loop a jump."""
    return JumpingClock()
