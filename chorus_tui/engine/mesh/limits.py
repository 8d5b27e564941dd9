"""The bounds every mesh keeps, simulated or real. Larger things travel as journal ranges or blobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MAX_GOSSIP: Final = 256 * 1024
"""Bytes of one published message."""
MAX_RPC: Final = 2 * MAX_GOSSIP
"""Bytes of one gossip frame: a message with its signature, or a batch of smaller ones."""
GOSSIP_QUEUE: Final = 4096
"""Accepted messages that wait for the handler; what is over is dropped and counted."""
STREAMS_PER_PEER: Final = 64
"""Streams one peer may hold open here at once."""
MESSAGES_PER_SECOND: Final = 500.0
"""Gossip messages one forwarder may bring, with a burst of four seconds' worth."""
BYTES_PER_SECOND: Final = 4.0 * 1024 * 1024
"""Gossip bytes one forwarder may bring, with the same burst."""
OFFENCES_PER_MINUTE: Final = 50
"""Bad frames and refused messages after which a peer is dropped for :data:`BAN_S`."""
BAN_S: Final = 60.0
"""Seconds a misbehaving peer stays out."""


class Allowance:
    """A token bucket: ``rate`` units a second, at most ``burst`` saved up."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._left = burst
        self._at = now()

    def take(self, units: float) -> bool:
        """Whether ``units`` were left; takes them if so."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if units > self._left:
            return False
        self._left -= units
        return True
