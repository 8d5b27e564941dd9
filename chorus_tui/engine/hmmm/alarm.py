"""Says that a thread needs a person: first whoever caused it, the others only when nobody does; once a cause for all."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from chorus_tui.engine.hmmm import escalation, turns
from chorus_tui.engine.hmmm.escalation import IsPerson, Need
from chorus_tui.engine.hmmm.parts import Parts
from chorus_tui.engine.hmmm.rooms import Rooms, Where
from chorus_tui.engine.hmmm.thread import Thread
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.shhh.cutting import beginning

log = structlog.get_logger("chorus.hmmm.alarm")

FIRST_WAIT_S = 5.0
TURN_S = 2.0
LONGEST_WAIT_S = 60.0


class Alarm:
    """Of one peer."""

    def __init__(self, parts: Parts, rooms: Rooms, is_person: IsPerson) -> None:
        self._parts = parts
        self._rooms = rooms
        self._is_person = is_person
        self._due: dict[str, float] = {}
        """When this peer says it, by the escalation's name."""
        self._open: set[Where] = set()
        """Threads in which time alone could be a cause, or something waits to be told."""

    async def look(self, changed: Iterable[Where]) -> None:
        """Tell what is this peer's turn to tell."""
        now_ms = int(self._parts.clock.wall() * 1000)
        for where in sorted(self._open | set(changed)):
            thread = self._rooms.thread(*where)
            untold = escalation.untold(thread, now_ms, self._is_person)
            for need in untold:
                if self._my_turn(thread, need):
                    await self._tell(thread, need)
            later = escalation.untold(thread, now_ms + escalation.LONGEST_MS + 1, self._is_person)
            (self._open.add if untold or later else self._open.discard)(where)

    def _my_turn(self, thread: Thread, need: Need) -> bool:
        parts, now = self._parts, self._parts.clock.monotonic()
        if need.by == parts.me:
            return True
        name = escalation.key(thread.issue_id, thread.thread_id, need.cause, need.ref)
        if name not in self._due:
            place = turns.place(need.line, parts.me, parts.mesh.links())
            self._due[name] = now + min(LONGEST_WAIT_S, FIRST_WAIT_S + place * TURN_S)
        return now >= self._due[name]

    async def _tell(self, thread: Thread, need: Need) -> None:
        parts, line = self._parts, need.line
        words = escalation.WORDS[need.cause]
        hidden = "(sealed)" if line.said.sealed else line.said.message
        data = {
            "subject": "room", "subject_id": thread.issue_id, "thread_id": thread.thread_id, "cause": need.cause,
            "reason": beginning(f"{words}: {hidden}", 1_000) if need.cause in ("asked", "distress") else words,
            "summary": beginning(summary(thread), 4_000), "to_role": self._role(),
            "participants": sorted({parts.control.name(one.author) for one in thread.lines.values()})[:32], "ref": need.ref,
        }  # fmt: skip
        try:
            await parts.journal.say("escalation_trigger", data)
        except Refused as error:
            log.warning("⚠️ A person could not be called", reason=str(error))
            return
        log.warning("🚨 A person is needed", room=thread.issue_id, thread=thread.thread_id, cause=need.cause)

    def _role(self) -> str:
        """A role whose members are people that may decide; empty: any person."""
        members = self._parts.control.members.values()
        may = sorted(
            one.role
            for one in members
            if one.kind == "human" and one.role and self._parts.control.may(one.peer_id, "approve")
        )
        return may[0] if may else ""


def summary(thread: Thread) -> str:
    """The last words, for whoever is called. What is sealed stays out."""
    shown = [
        f"{one.said.agent_id}: {beginning(one.said.message, 300)}" for one in thread.in_order() if not one.said.sealed
    ]
    return "\n".join(shown[-6:])
