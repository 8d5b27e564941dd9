"""The bounds every mesh keeps, simulated or real. Larger things travel as journal ranges or blobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MAX_GOSSIP: Final = 256 * 1024
"""Bytes of one published message."""
MAX_RPC: Final = 4 * MAX_GOSSIP
"""Bytes of one gossip frame, sent or taken: 1 MiB, to which the libp2p of Go and of JavaScript split what they send."""
GOSSIP_QUEUE: Final = 4096
"""Accepted messages that wait for the handler; what is over is dropped and counted."""
STREAMS_PER_PEER: Final = 64
"""Streams one peer may hold open here at once."""
MESSAGES_PER_SECOND: Final = 500.0
"""Gossip messages one forwarder may bring, with a burst of four seconds' worth."""
BYTES_PER_SECOND: Final = 4.0 * 1024 * 1024
"""Gossip bytes one forwarder may bring, with the same burst."""
STRANGERS_PER_SECOND: Final = 50.0
"""Gossip messages a peer that is no member may bring, with the same burst: each costs a check of a signature."""
CONTROL_PER_SECOND: Final = 200.0
"""Grafts, prunes and messages asked for again that one peer may bring, with a burst of ten seconds' worth."""
OFFERS_PER_SECOND: Final = 3 * MESSAGES_PER_SECOND
"""Messages one peer may say it has, with a burst of four seconds' worth: each is offered three heartbeats long."""
WANTED_AT_ONCE: Final = 200
"""Messages one frame may ask for again: each is sent in full."""
MAX_TOPIC: Final = 256
"""Characters of a topic's name."""
INBOUND_STREAMS: Final = 2 * STREAMS_PER_PEER
"""Streams one peer may hold open here at once, with those that have not yet said what they are for."""
STREAMS_PER_SECOND: Final = 100.0
"""Streams one peer may open, with a burst of ten seconds' worth."""
FRAMES_PER_SECOND: Final = 4000.0
"""Frames of the multiplexer one connection may bring, with a burst of four seconds' worth; then its reading waits."""
HANDSHAKES_AT_ONCE: Final = 128
"""Inbound connections that have not yet said who they are; beyond it the oldest of the busiest address goes."""
HANDSHAKES_PER_ADDRESS: Final = 32
"""Those of one address."""
FAILED_HANDSHAKES_PER_SECOND: Final = 2.0
"""Handshakes of one address that may fail, with a burst of a minute's worth; then it is not heard until it slows down."""
ADDRESSES_REMEMBERED: Final = 4096
"""Addresses whose failures are remembered."""


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

    def left(self) -> bool:
        """Whether a whole unit is there, without taking it."""
        return self._left + (self._now() - self._at) * self._rate >= 1
