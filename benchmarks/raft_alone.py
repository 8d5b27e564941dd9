"""Five cores of Raft with nothing round them, from event to event: an entry now and then, and leaders that vanish for a while."""

from __future__ import annotations

import heapq
import itertools
import random

from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_log import Entry, Position, RaftLog
from chorus_tui.engine.control.raft_messages import Behind, Message
from chorus_tui.engine.control.raft_ready import HardState, Role, Timing
from chorus_tui.engine.control.voters import Seat, Voters

VOTERS = 5
TIMING = Timing(heartbeat=5.0, timeout=15.0, patience=0.5)
"""A mesh's defaults."""
LATENCY_S = 0.005
ENTRY_EVERY_S = 10.0
FAULT_EVERY_S = 600.0
AWAY_S = 3 * TIMING.timeout
KEPT = 64


class Cores:
    """They follow one seed. :meth:`run` checks at its end that elections were won and that everybody has what was decided."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._now = 0.0
        self._away: dict[str, float] = {}
        self._decided: dict[int, Entry] = {}
        self._terms: set[int] = set()
        self._flying: list[tuple[float, int, Seat, str, Message | None]] = []
        """When it comes, from whom, to whom; None stands for word of what is decided."""
        self._number = itertools.count()
        voters = Voters(tuple(Seat(f"p{n}", "1") for n in range(VOTERS)))
        self._cores = {seat.peer_id: self._core(seat, voters) for seat in voters.seats}

    def _core(self, seat: Seat, voters: Voters) -> Raft:
        log = RaftLog(Position(0, 0), voters, [])
        return Raft(seat, HardState(0, None), log, 0, TIMING, lambda: self._chance.random() * TIMING.patience, 0.0)

    def run(self, seconds: float) -> None:
        """So many simulated seconds."""
        next_entry, next_fault = 0.0, FAULT_EVERY_S
        while self._now < seconds:
            due, soonest = min(self._due(core) for core in self._cores.values())
            first = self._flying[0][0] if self._flying else seconds
            self._now = max(self._now, min(due, first, next_entry, next_fault))
            if self._now >= due:
                self._cores[soonest].tick(self._now)
                self._settle(self._cores[soonest])
            self._deliver_all()
            if self._now >= next_entry:
                next_entry = self._now + ENTRY_EVERY_S
                self._append()
            if self._now >= next_fault:
                next_fault = self._now + FAULT_EVERY_S
                self._away |= {core.me.peer_id: self._now + AWAY_S for core in self._leaders()}
        held = [core.commit for core in self._cores.values()]
        assert min(held) > 0.8 * seconds / ENTRY_EVERY_S, f"the cores stood still: {held}"
        assert len(self._terms) >= seconds / FAULT_EVERY_S - 1, f"nobody was voted for: {self._terms}"

    def _due(self, core: Raft) -> tuple[float, str]:
        return max(core.due, self._away.get(core.me.peer_id, 0.0)), core.me.peer_id

    def _leaders(self) -> list[Raft]:
        """Who leads and is there."""
        leading = [core for core in self._cores.values() if core.role is Role.LEADER]
        return [core for core in leading if self._away.get(core.me.peer_id, 0.0) <= self._now]

    def _append(self) -> None:
        for core in self._leaders():
            if core.can_append:
                what = "an entry" if core.log.last.term == core.term else "opened"
                core.append([Entry(core.log.last.index + 1, core.term, what)])
                self._settle(core)

    def _deliver_all(self) -> None:
        while self._flying and self._flying[0][0] <= self._now:
            _, _, sender, to, message = heapq.heappop(self._flying)
            if self._away.get(to, 0.0) <= self._now:
                self._deliver(self._cores[to], sender, message)

    def _deliver(self, core: Raft, sender: Seat, message: Message | None) -> None:
        if message is not None and not isinstance(message, Behind):
            core.step(sender, message, self._now)
        elif core.commit < len(self._decided):
            news = range(core.commit + 1, len(self._decided) + 1)
            core.adopt([self._decided[index] for index in news], len(self._decided))
            core.log.compact(max(core.commit - KEPT, 0))
        self._settle(core)

    def _settle(self, core: Raft) -> None:
        while (ready := core.ready()) is not None:
            for to, message in ready.messages:
                self._post(core.me, to, message)
            core.persisted()
        if core.role is not Role.LEADER:
            return
        self._terms.add(core.term)
        news = [core.log.at(index) for index in range(len(self._decided) + 1, core.commit + 1)]
        if news:
            self._decided |= {entry.index: entry for entry in news if entry is not None}
            core.log.compact(max(core.commit - KEPT, 0))
            for to in self._cores:
                self._post(core.me, to, None)

    def _post(self, sender: Seat, to: str, message: Message | None) -> None:
        heapq.heappush(self._flying, (self._now + LATENCY_S, next(self._number), sender, to, message))
