"""What the admin does for decisions: closes what is due, keeps and announces the record.

It runs on every peer and acts only while this peer leads. Here alone a deadline ends a vote, by this peer's clock, and votes count until it
does. Others compare a deadline with their clocks to show it (``views.state_of``), and with the closing's time to see whether it was
closed too early (``rules.early``).

What a former admin did not get to is overdue, or has no record: its successor finds it by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from chorus_tui.engine.bell import PAUSE_S, Bell
from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import NoMesh, NotAdmin
from chorus_tui.engine.decisions import rules
from chorus_tui.engine.decisions.book import Book, Case
from chorus_tui.engine.decisions.facts import Closing, Proposal, Vote, closing_data
from chorus_tui.engine.decisions.outcome import Result
from chorus_tui.engine.decisions.parts import NotKept, Parts
from chorus_tui.engine.decisions.record import address, event
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry

log = structlog.get_logger("chorus.decisions.admin")

ROUND_S = 1.0
REST_S = 5.0
"""After a record could not be kept."""
BRING_S = 2.0
"""For one voter to confirm that it holds an entry."""
SETTLE_S = 2.0
"""A new admin closes nothing before it had this long to fetch what others hold."""


class Admin:
    """``result`` tells what came of a closed case, None while a counted vote is missing."""

    def __init__(self, parts: Parts, book: Book, result: Callable[[Case], Result | None]) -> None:
        self._parts = parts
        self._book = book
        self._result = result
        self._term: tuple[str | None, int] = (None, 0)
        self._leads_since = 0.0
        self._announced: set[str] = set()
        """Records that this life announced: once is enough, whatever becomes of the word."""
        self._later: dict[str, float] = {}
        """Records that could not be kept, and when that is tried again."""
        self._wake = Bell()

    def nudge(self) -> None:
        """Something changed; look soon."""
        self._wake.ring()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.rung(ROUND_S, PAUSE_S)
            if self._settled():
                try:
                    await self._round()
                except (NotAdmin, NoMesh) as error:
                    log.info("Not decided: leading ended", reason=str(error))

    def _settled(self) -> bool:
        control, now = self._parts.control, self._parts.clock.monotonic()
        if not control.is_admin:
            self._term = (None, 0)
            return False
        if self._term != (control.mesh_id, control.term):
            self._term, self._leads_since = (control.mesh_id, control.term), now
        return now - self._leads_since >= SETTLE_S

    async def _round(self) -> None:
        mesh_id = self._parts.control.mesh_id
        for case in self._book.proposals():
            if case.proposal is None:
                continue  # taken back while another one was closed
            if case.proposal.message.mesh_id != mesh_id or self._book.in_doubt(case.proposal):
                continue
            if case.end is None:
                await self._close(case, case.proposal)
            elif case.closing is not None:
                await self._keep_record(case, case.proposal, case.closing)

    async def _close(self, case: Case, proposal: Proposal) -> None:
        control, votes = self._parts.control, list(self._book.votes(case).values())
        persons = control.persons
        if not rules.due(proposal, votes, control.members, int(self._parts.clock.wall() * 1000), persons):
            return
        if only_here := self._only_here(proposal, votes):
            await self._bring(only_here)
            return  # the next round sees what is held then, and by whom
        # One moment: what was read and which votes are held belong together.
        asked = {*proposal.message.eligible, *rules.bringers(proposal, votes)}
        read = {peer_id: self._parts.journal.read_of(peer_id) for peer_id in asked}
        newest = {peer_id: self._book.newest_epochs(peer_id) for peer_id in asked}
        stated = rules.stated(proposal, votes, control.members, read, newest, persons)
        signed = rules.stated_persons(proposal, votes, control.members, read, persons)
        try:
            await control.propose(entries.VOTE_CLOSED, closing_data(proposal, stated, signed))
        except WireError as error:
            log.warning("⚠️ A vote cannot be closed", decision=proposal.message.proposal_id, reason=str(error))

    def _only_here(self, proposal: Proposal, votes: list[Vote]) -> list[Entry]:
        """What the closing rests on and this peer has said, as long as nobody else is known to hold it.

        A majority keeps the closing; if the proposal or a vote that it counts were lost with this peer's disk, nobody would ever know
        what came of it. A sole voter's decisions are on no other disk either: it waits for nobody.
        """
        journal, me = self._parts.journal, self._parts.me
        if len(self._parts.control.voters) < 2:
            return []
        said = [
            (proposal.author, proposal.epoch, proposal.seq),
            *((vote.author, vote.epoch, vote.seq) for vote in votes),
        ]
        found = (journal.get(*key) for key in said if key[0] == me)
        return [entry for entry in found if entry is not None and not journal.holders(entry)]

    async def _bring(self, entries_: list[Entry]) -> None:
        """To one other voter, on a direct stream."""
        for entry in entries_:
            for peer_id in self._parts.control.voters:
                with trio.move_on_after(BRING_S):
                    if peer_id != self._parts.me and await self._parts.journal.deliver(entry, peer_id):
                        break
            else:
                return
        self._wake.ring()

    async def _keep_record(self, case: Case, proposal: Proposal, closing: Closing) -> None:
        """Who reads it and who keeps it is not decided here; what it says is computed from the votes by everybody alike."""
        result = self._result(case)
        if result is None or result.record_digest in result.announced | self._announced:
            return
        now = self._parts.clock.monotonic()
        if now < self._later.get(result.record_digest, 0.0):
            return
        try:
            await self._parts.records.keep(address(proposal, closing.roster), result.record, proposal.author)
            self._announced.add(result.record_digest)
            await self._parts.journal.say("slurp_event_generated", event(proposal, closing, result.tally))
        except (NotKept, Refused) as error:
            self._later[result.record_digest] = now + REST_S
            log.info("A record is kept later", decision=proposal.message.proposal_id, reason=str(error))
