"""What the admin does besides deciding: it keeps the voters, and knows how members fare. Members report to it.

Every member reports each heartbeat on the voters' protocol. From the reports the admin sees who is alive, caught up and
about to leave, plans the voters (:mod:`electorate`), and works out the scores that order the next candidacy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
import trio

from chorus_tui.engine.bell import Bell
from chorus_tui.engine.control import candidacy, electorate, entries, raft_wire
from chorus_tui.engine.control.consensus import Consensus
from chorus_tui.engine.control.electorate import Candidate
from chorus_tui.engine.control.interface import Member, NotAdmin
from chorus_tui.engine.control.raft_wire import Frame, Report
from chorus_tui.engine.control.voters import Seat
from chorus_tui.engine.protocol.canonical import WireError

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService

log = structlog.get_logger("chorus.control.governing")

STANDBY_BEATS = 3
"""A member that reported within so many heartbeats may become a voter."""
HERE_BEATS = 2
"""Who was heard within so many heartbeats is here: one may have been late."""
SILENT_TIMEOUTS = 4
"""A voter that was not heard for so many time-outs gives way."""
LAG = 64
"""Entries a standby may lag."""
LEAVE_S = 4.0
"""How long an orderly stop waits for its demotion."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A member's newest report."""

    at: float
    incarnation: str
    report: Report


class Governing:
    """Reports both ways, and the voters."""

    def __init__(self, control: ControlService) -> None:
        self._control = control
        self._heard: dict[str, Heard] = {}
        self._terms: dict[str, int] = {}
        self._leaving = False
        self._asked = False
        self._won_at = 0.0
        control.on_request(entries.HAND_OVER, self._may_hand_over)
        self._wake = Bell()
        self.standing: dict[str, list[int]] = {}
        """The five parts of each voter's score, per mille, as the admin last showed them."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            control = self._control
            if control.consensus is not None:
                await self._round(control.consensus)
            await self._wake.rung(control.parameters["heartbeat_s"] / (1 if control.is_admin else 2))

    async def _round(self, consensus: Consensus) -> None:
        if not consensus.leads:
            self._asked = False
            self._report(consensus)
            return
        if self._asked:
            await self._hand_over(consensus)
        self.standing = self._standing()
        try:
            await self._keep_voters(consensus)
            await self._retire_lost(consensus)
        except (NotAdmin, WireError) as error:
            log.info("The voters were not changed now", reason=str(error))

    # ── as a member ────────────────────────────────────────────────────────────────────────────────────────────────

    def _report(self, consensus: Consensus) -> None:
        control = self._control
        admin = consensus.core.leader or control.admin
        if admin is None or admin == control.me.peer_id:
            return
        linked = sum(control.is_member(peer_id) for peer_id in control.mesh.links())
        fare = control.fare()
        report = Report(
            consensus.core.term, consensus.log.index, self._leaving, fare.docker, round(fare.free * 1000), linked
        )
        frame = Frame(consensus.mesh_id, consensus.seat.incarnation, report)
        control.streams.post(admin, raft_wire.encode(frame))

    def note(self, peer_id: str, frame: Frame) -> None:
        """A member's report."""
        assert isinstance(frame.message, Report)
        before = self._heard.get(peer_id)
        self._heard[peer_id] = Heard(self._control.clock.monotonic(), frame.incarnation, frame.message)
        if before is None or frame.message.leaving:
            self._wake.ring()

    async def leave(self) -> None:
        """An orderly stop: hand over, then be no voter any more. What cannot be had soon is left to the others."""
        control = self._control
        consensus = control.consensus
        if consensus is None or len(consensus.log.roster.voters.everyone) <= 1:
            return
        self._leaving = True
        with trio.CancelScope(deadline=trio.current_time() + LEAVE_S, shield=True):
            while consensus.core.votes and consensus is control.consensus:
                if consensus.leads:
                    await self._hand_over(consensus)
                else:
                    self._report(consensus)
                await trio.sleep(0.1)

    async def _hand_over(self, consensus: Consensus) -> None:
        heir = self._heir(consensus)
        if heir is not None and consensus.core.can_append:
            self._control.say("info", f"🗳️ Handing over to {self._control.name(heir)}", term=self._control.term)
            await consensus.transfer(heir)

    def hand_over_soon(self) -> None:
        """A member with the authority asked for another admin, and that is decided."""
        self._asked = True
        self._wake.ring()

    def _may_hand_over(self, _peer_id: str, _data: dict[str, object]) -> str | None:
        """After a win only faults count for a while, so that the mesh does not change hands to and fro."""
        control = self._control
        if len(control.voters) <= 1:
            return "there is one voter only, so nobody else can lead"
        since = control.clock.monotonic() - self._won_at
        stable = 2 * control.parameters["admin_timeout_s"]
        return (
            None if since >= stable else f"the admin was elected {since:.0f} s ago; ask again in {stable - since:.0f} s"
        )

    def _heir(self, consensus: Consensus) -> str | None:
        others = [seat for seat in consensus.core.voters.seats if seat != consensus.seat]
        ready = [
            seat for seat in others if consensus.core.caught_up(seat) and seat.peer_id in self._control.mesh.links()
        ]
        return max(ready, key=lambda seat: (self.score(seat.peer_id), seat.peer_id)).peer_id if ready else None

    # ── as the admin ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _keep_voters(self, consensus: Consensus) -> None:
        voters = consensus.log.roster.voters
        if voters.joint:  # an admin before this one began it
            await consensus.propose(entries.VOTERS_CHANGED, {}, None)
            voters = consensus.log.roster.voters
        chosen = electorate.plan(voters, self._candidates(consensus), consensus.seat)
        if chosen is None:
            return
        await consensus.propose(entries.VOTERS_CHANGING, {"to": [list(seat) for seat in chosen]}, None)
        await consensus.propose(entries.VOTERS_CHANGED, {}, None)
        names = ", ".join(self._control.name(seat.peer_id) for seat in chosen)
        self._control.say("info", f"🗳️ Voters: {names}")

    async def _retire_lost(self, consensus: Consensus) -> None:
        """Identities that were lost with their containers do not stay members for ever."""
        now, patience = self._control.clock.monotonic(), self._control.parameters["ephemeral_s"]
        for member in list(consensus.log.roster.members.values()):
            heard = self._heard.get(member.peer_id)
            last = max(heard.at if heard else 0.0, self._won_at)
            gone = member.ephemeral and member.peer_id != consensus.seat.peer_id and now - last > patience
            if gone and all(seat.peer_id != member.peer_id for seat in consensus.log.roster.voters.everyone):
                await consensus.propose(entries.MEMBER_RETIRED, {"peer_id": member.peer_id}, None)
                self._control.say("info", f"{member.agent_id} was retired: its identity was lost with its container")

    def _candidates(self, consensus: Consensus) -> list[Candidate]:
        return [self._candidate(consensus, member) for member in consensus.log.roster.members.values()]

    def _candidate(self, consensus: Consensus, member: Member) -> Candidate:
        agent = member.kind == "agent"
        if member.peer_id == consensus.seat.peer_id:
            return Candidate(consensus.seat, agent, member.joined_index, usable=True, here=True, leaving=self._leaving)
        heard = self._heard.get(member.peer_id)
        held = [seat for seat in consensus.core.voters.seats if seat.peer_id == member.peer_id]
        timing = consensus.core.timing
        if heard is None or (held and heard.incarnation == held[0].incarnation):
            if not held:
                return Candidate(Seat(member.peer_id, ""), agent, member.joined_index, usable=False, here=False)
            silent = consensus.core.silent_s(held[0])
            leaving = heard is not None and heard.report.leaving
            usable = silent < SILENT_TIMEOUTS * timing.timeout
            here = consensus.core.here(held[0], HERE_BEATS * timing.heartbeat)
            return Candidate(held[0], agent, member.joined_index, usable, here, leaving)
        age = self._control.clock.monotonic() - heard.at
        usable = age < STANDBY_BEATS * timing.heartbeat and heard.report.commit + LAG >= consensus.log.index
        here = age < HERE_BEATS * timing.heartbeat
        return Candidate(
            Seat(member.peer_id, heard.incarnation), agent, member.joined_index, usable, here, heard.report.leaving
        )

    # ── scores ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def led(self, admin: str) -> None:
        """A term was opened by this peer."""
        if admin == self._control.me.peer_id:
            self._won_at = self._control.clock.monotonic()
        self._terms[admin] = self._terms.get(admin, 0) + 1

    def score(self, peer_id: str) -> float:
        """By the newest parts that the admin showed; the middle for one it showed none of."""
        by_part = self.parts(peer_id)
        return candidacy.score(by_part) if by_part else 0.5

    def rank(self) -> int:
        """How many other voters come first, the silent admin left out."""
        control = self._control
        table = {peer_id: self.parts(peer_id) for peer_id in control.voters if peer_id != control.admin}
        return candidacy.rank(control.me.peer_id, table)

    def parts(self, peer_id: str) -> dict[str, float]:
        """The five parts as the admin last showed them; empty for one it showed none of."""
        shown = self.standing.get(peer_id, [])
        if len(shown) != len(candidacy.WEIGHTS):
            return {}
        return {name: part / 1000 for name, part in zip(candidacy.WEIGHTS, shown, strict=True)}

    def _standing(self) -> dict[str, list[int]]:
        table = {}
        for peer_id in self._control.voters:
            by_part = candidacy.parts(self._observed(peer_id))
            table[peer_id] = [round(by_part[name] * 1000) for name in candidacy.WEIGHTS]
        return table

    def _observed(self, peer_id: str) -> candidacy.Observed:
        control = self._control
        link, heard, member = control.mesh.links().get(peer_id), self._heard.get(peer_id), control.members.get(peer_id)
        mine, fare = peer_id == control.me.peer_id, control.fare()
        others = max(len(control.members) - 1, 1)
        linked = len(control.mesh.links()) if mine else heard.report.linked if heard else 0
        since_link = control.clock.wall() - link.since if link else 0.0
        seconds = control.clock.monotonic() - control.started if mine else since_link
        return candidacy.Observed(
            linked_s=seconds, round_trip_s=link.latency_ms / 1000 if link and link.latency_ms is not None else None,
            linked_share=min(linked / others, 1.0), agent=member is not None and member.kind == "agent",
            docker=fare.docker if mine else heard is not None and heard.report.docker,
            free=fare.free if mine else heard.report.free / 1000 if heard else 0.0, terms_led=self._terms.get(peer_id, 0),
        )  # fmt: skip
