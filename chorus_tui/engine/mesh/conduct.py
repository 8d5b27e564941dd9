"""How peers behave: what is refused is counted by reason, and who sends too much of it stays out for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chorus_tui.engine.mesh.interface import MeshCounters
from chorus_tui.engine.mesh.limits import BAN_S, OFFENCES_PER_MINUTE, Allowance

NO_OFFENCE: Final = frozenset(
    {"ignored", "validator failed", "over its rate", "handler queue full", "handler failed", "gate"}
)
"""Reasons that are nobody's fault, or that a busy honest peer can have."""


class Conduct:
    """``ban``: called once when a peer has gone too far."""

    def __init__(self, counters: MeshCounters, now: Callable[[], float], ban: Callable[[str], None]) -> None:
        self._counters = counters
        self._now = now
        self._ban = ban
        self._allowances: dict[str, Allowance] = {}
        self._banned: dict[str, float] = {}

    def sent(self) -> None:
        """One message of ours went out."""
        self._counters.sent += 1

    def received(self) -> None:
        """One message was accepted."""
        self._counters.received += 1

    def refused(self, peer_id: str, reason: str) -> None:
        """Something of that peer was refused."""
        self._counters.refused[reason] = self._counters.refused.get(reason, 0) + 1
        if reason in NO_OFFENCE or self.banned(peer_id):
            return
        if peer_id not in self._allowances:
            self._allowances[peer_id] = Allowance(OFFENCES_PER_MINUTE / 60, OFFENCES_PER_MINUTE, self._now)
        if not self._allowances[peer_id].take(1):
            self._banned[peer_id] = self._now() + BAN_S
            del self._allowances[peer_id]
            self._ban(peer_id)

    def banned(self, peer_id: str) -> bool:
        """Whether the peer is kept out now."""
        until = self._banned.get(peer_id)
        if until is not None and until <= self._now():
            del self._banned[peer_id]
            until = None
        return until is not None
