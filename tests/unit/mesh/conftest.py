"""The simulated network lives in simulated time."""

from __future__ import annotations

from tests.simulation.conftest import autojump_clock

__all__ = ["autojump_clock"]
