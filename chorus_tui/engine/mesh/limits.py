"""The bounds every mesh keeps, simulated or real. Larger things travel as journal ranges or blobs."""

from __future__ import annotations

from typing import Final

MAX_GOSSIP: Final = 256 * 1024
"""Bytes of one published message."""
GOSSIP_QUEUE: Final = 4096
"""Accepted messages that wait for the handler; what is over is dropped and counted."""
