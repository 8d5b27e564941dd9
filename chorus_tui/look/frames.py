"""How often a second the portal may paint. Textual reads it once, when it is first imported."""

from __future__ import annotations

import os

IN_A_TERMINAL = "120"
"""A key waits for the next frame: with Textual's 60 a second the slowest of a hundred keys wait as long as all the rest of their way."""


def in_own_terminal() -> None:
    """For a portal in its own person's terminal; what stands in the environment stays. Served ones have a pace of their own."""
    os.environ.setdefault("TEXTUAL_FPS", IN_A_TERMINAL)
