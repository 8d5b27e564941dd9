"""What the proposer does: closes what nobody objects to, tells SLURP of it, and puts it to a vote where that was asked."""

from __future__ import annotations

import structlog

from chorus_tui.engine.hmmm import escalation, rules, turns
from chorus_tui.engine.hmmm.escalation import IsPerson
from chorus_tui.engine.hmmm.mouth import Mouth, Words
from chorus_tui.engine.hmmm.parts import Parts
from chorus_tui.engine.hmmm.rooms import Rooms, Where
from chorus_tui.engine.hmmm.rules import Proposal
from chorus_tui.engine.hmmm.silence import Holders
from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.messages.rooms import CLOSING
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger("chorus.hmmm.closing")

MOST_NAMED = 64
"""Silent holders that one closing lists."""


def event_id(closing: Line) -> str:
    """The SLURP event of a closing: one identity, so it is taken in once however often it is told."""
    return canonical.sha256_hex(canonical.encode({"closing": closing.hash}))


class Closing:
    """Own proposals of this peer."""

    def __init__(self, parts: Parts, rooms: Rooms, mouth: Mouth, is_person: IsPerson) -> None:
        self._parts = parts
        self._is_person = is_person
        self._rooms = rooms
        self._mouth = mouth
        self._holders = Holders()
        self._own: set[Where] = set()
        """Threads with a proposal of ours that may still change."""

    def heard(self, thread: Thread, line: Line) -> None:
        """Something was said; what concerns an own proposal is looked at again."""
        mine = line.said.type == "proposal" and line.author == self._parts.me
        if mine or any(one.author == self._parts.me and one.said.type == "proposal" for one in thread.lines.values()):
            self._own.add((thread.issue_id, thread.thread_id))

    async def look(self) -> None:
        """Close what may be closed now; tell what was closed and not told."""
        for where in sorted(self._own):
            thread = self._rooms.thread(*where)
            mine = [one for one in rules.proposals(thread) if one.line.author == self._parts.me]
            for proposal in mine:
                if proposal.state in rules.UNSETTLED:
                    await self._close(thread, proposal)
                else:
                    self._holders.forget(proposal.line)
                await self._tell(thread, proposal)
            if all(one.state not in rules.UNSETTLED for one in mine):
                self._own.discard(where)

    async def _close(self, thread: Thread, proposal: Proposal) -> None:
        """Not while a person is waited for: nothing is decided there by silence."""
        parts, line = self._parts, proposal.line
        entry = parts.journal.get(line.author, line.epoch, line.seq)
        if entry is None:
            return
        members = {peer for peer in parts.journal.holders(entry) if thread.member(peer)}
        holders = self._holders.in_time(line, members, parts.clock.monotonic())
        if escalation.standing(thread, self._is_person):
            return
        silent = rules.may_close(proposal, parts.me, holders, int(parts.clock.wall() * 1000))
        if not silent or (line.said.to_roles and not self._asked_hold_it(line, silent)):
            return
        names = ", ".join(parts.control.name(peer) for peer in silent[:5]) + (" …" if len(silent) > 5 else "")
        extra = {"holders": silent[:MOST_NAMED], "objections": [one.hash for one in proposal.objections]}
        words = Words("update", f"Agreed: no objection stands; it was held by {names}", intent=CLOSING, extra=extra)
        await self._mouth.say(thread.issue_id, thread.thread_id, words, line.said.msg_id)
        log.info("🤝 Agreed", room=thread.issue_id, thread=thread.thread_id, held_by=len(silent))

    def _asked_hold_it(self, line: Line, silent: list[str]) -> bool:
        """Whether one of the roles that it was put to is there and silent: what nobody of them has seen, they did not agree to."""
        members = self._parts.control.members
        found = [members[peer] for peer in silent if peer in members]
        return any(turns.of_those(line, member.role, member.expertise) for member in found)

    async def _tell(self, thread: Thread, proposal: Proposal) -> None:
        """To SLURP, and to whoever votes, once each: by the closing entry's own identity."""
        parts, closing = self._parts, proposal.closing
        if proposal.state != "agreed" or closing is None or event_id(closing) in self._rooms.events:
            return
        line = proposal.line
        if line.said.decide and parts.decide is not None:
            await parts.decide(line)
        text = "A sealed proposal was agreed" if line.said.sealed else line.said.message
        people = sorted({parts.control.name(one.author) for one in thread.lines.values()})
        data = {
            "event_id": event_id(closing), "event_type": "consensus", "discussion_id": thread.thread_id,
            "context_path": f"{parts.project(thread.issue_id) or 'rooms'}/{thread.issue_id}", "consensus": beginning(text, 4_000),
            "participants": people[:32],
        }  # fmt: skip
        try:
            await parts.journal.say("slurp_event_generated", data)
        except Refused as error:
            log.warning("⚠️ An agreement could not be told", reason=str(error))
