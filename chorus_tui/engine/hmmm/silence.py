"""Who was silent for the whole time: what a proposer may say of others, and what a peer that is named knows better. Pure but for its
memory.

A closing entry says of others that they had the proposal and did not object. Nothing in it proves that: the proposer wrote both of
its times itself. So a proposer counts the time from the moment at which it knew that a peer has the proposal; and a peer that is named
goes by its own clock. To it nothing is agreed by its silence before it had the time that the proposal gives.

Times are of this life of the engine, by a clock that never goes back: what came before counts as here for long.
"""

from __future__ import annotations

from math import inf
from typing import Literal

from chorus_tui.engine.hmmm.rules import Proposal
from chorus_tui.engine.hmmm.thread import Line, Thread

Silence = Literal["", "stated", "late"]
"""What a closing entry says of this peer. ``stated``: that it was silent; ``late``: the same, and it had not had the time."""


class Arrivals:
    """When what was said in rooms came to this peer, by the hash of its entry."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._came: dict[str, float] = {}

    def came(self, hash_: str, now: float) -> None:
        """It is here; ``now`` is -inf for what was here before this life. Told anew it came when it came first."""
        self._came.setdefault(hash_, now)

    def silence(self, line: Line, proposal: Line | None) -> Silence:
        """What a line says of this peer's silence about the proposal that it closes."""
        if proposal is None or proposal.author == self._me or self._me not in line.said.holders:
            return ""
        had = self._came.get(line.hash, -inf) - self._came.get(proposal.hash, -inf)
        return "late" if had < proposal.said.objection_s else "stated"

    def still(self, thread: Thread, proposal: Proposal, now: float) -> float:
        """Seconds for which what others call agreed is open to this peer, because it was named before it had the time; 0 once it had
        it, or has agreed in words."""
        line, closing = proposal.line, proposal.closing
        if proposal.state != "agreed" or closing is None or self.silence(closing, line) != "late":
            return 0.0
        if any(one.author == self._me and one.said.type == "agreement" for one in thread.replies(line)):
            return 0.0
        return max(0.0, self._came.get(line.hash, -inf) + line.said.objection_s - now)


class Holders:
    """Since when this peer knows that others hold an own proposal."""

    def __init__(self) -> None:
        self._since: dict[str, dict[str, float]] = {}

    def in_time(self, proposal: Line, holders: set[str], now: float) -> set[str]:
        """Those of ``holders`` that have had it for as long as it gives them."""
        since = self._since.setdefault(proposal.hash, {})
        for peer in holders:
            since.setdefault(peer, now)
        return {peer for peer in holders if now - since[peer] >= proposal.said.objection_s}

    def forget(self, proposal: Line) -> None:
        """It is settled."""
        self._since.pop(proposal.hash, None)
