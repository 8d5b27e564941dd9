"""Coordination at work: the fold of sessions, and the parts that act on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import trio

from chorus_tui.contract.models.coordination import CoordinatedWith
from chorus_tui.engine.bell import PAUSE_S, Bell
from chorus_tui.engine.clock import Ages
from chorus_tui.engine.control.authority import may
from chorus_tui.engine.control.leaders import Leaders
from chorus_tui.engine.coordination.doors import Doors
from chorus_tui.engine.coordination.leading import Leading
from chorus_tui.engine.coordination.parts import Parts
from chorus_tui.engine.coordination.projects import Projects
from chorus_tui.engine.coordination.reporting import Reporting
from chorus_tui.engine.coordination.sessions import Judges, Session, Sessions
from chorus_tui.engine.coordination.speaking import Speaking
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.roles import ProjectUpdate
from chorus_tui.engine.tasks.task import Key

log = structlog.get_logger("chorus.coordination")

LOOK_S = 1.0


class CoordinationService:
    """Folds what is said of dependencies, sessions and projects; leads where this peer is the admin, speaks where it takes part."""

    types = frozenset(
        {
            "dependency_alert", "coordination_request", "cooee_plan", "coordination_complete", "meta_discussion",
            "escalation_trigger", "project_update",
        }
    )  # fmt: skip

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.leaders = Leaders()
        self.sessions = Sessions()
        self.projects = Projects(self.leaders.led)
        self.ages = Ages(parts.clock)
        self._told: dict[str, str] = {}
        self._live = False
        self._wake = Bell()
        self.leading = Leading(self)
        self.speaking = Speaking(self)
        self.reporting = Reporting(parts, self.projects, self.leaders)
        self.doors = Doors(self)
        parts.journal.fold(self)
        parts.control.fold(self.leaders)
        parts.control.on_change(self.nudge)

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        if isinstance(message, ProjectUpdate):
            self.projects.apply(entry, message)
            return
        session_id = self.sessions.apply(entry, message)
        self.nudge()
        if self._live and session_id:
            self._show(session_id)

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self.sessions.clear()
        self.projects.clear()

    def judges(self) -> Judges:
        """Whose words count, as the control log says it now."""
        members = self.parts.control.members

        def person(peer_id: str) -> bool:
            member = members.get(peer_id)
            return member is not None and member.kind == "human" and may(member, "propose")

        return Judges(self.leaders.led, lambda peer_id: may(members.get(peer_id), "propose"), person)

    def people(self) -> set[str]:
        """Members that are people and may speak."""
        judges = self.judges()
        return {peer_id for peer_id in self.parts.control.members if judges.person(peer_id)}

    def present(self) -> list[Session]:
        """The sessions of the present mesh, oldest first."""
        mesh_id = self.parts.control.mesh_id
        return self.sessions.all(self.judges(), mesh_id) if mesh_id else []

    def of_task(self, key: Key) -> list[CoordinatedWith]:
        """The sessions in which a task is coordinated with another."""
        return [
            CoordinatedWith(session_id=one.session_id, task_id=side.task_id, title=side.title, rule=one.dependency.rule, status=one.status)
            for one in self.sessions.all(self.judges(), key[0]) if one.dependency is not None
            for here, side in (
                (one.dependency.task1, one.dependency.task2), (one.dependency.task2, one.dependency.task1),
            ) if here.task_id == key[1]
        ]  # fmt: skip

    def idle_s(self, session: Session) -> float:
        """Seconds since something was said in it."""
        return self.ages.age(f"{session.session_id} {session.last_ms}", session.last_ms / 1000)

    def age_s(self, session: Session) -> float:
        """Seconds since it was opened."""
        return self.ages.age(session.session_id, session.opened_ms / 1000)

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def nudge(self) -> None:
        """Something changed."""
        self._wake.ring()

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        self._live = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._lead)
            nursery.start_soon(self.speaking.run)
            nursery.start_soon(self.reporting.run)
            task_status.started()

    async def _lead(self) -> None:
        while True:
            await self._wake.rung(LOOK_S, PAUSE_S)
            await self.leading.round()

    def _show(self, session_id: str) -> None:
        """One line of the event log for people when a session begins or ends; its tasks are shown anew."""
        session = self.sessions.session(session_id, self.judges())
        if session is None:
            return
        if session.dependency is not None:
            for side in (session.dependency.task1, session.dependency.task2):
                self.parts.touched((session.mesh_id, side.task_id))
        if self._told.get(session_id) == session.status:
            return
        self._told[session_id] = session.status
        words = {
            "active": "🤝 Coordination is open", "resolved": "🤝 Coordination has ended: it is agreed",
            "escalated": "🤝 Coordination needs a person",
        }  # fmt: skip
        text = f"{words[session.status]}: {session.objective} (chorus-tui coordination show {session_id})"
        level = "warning" if session.status == "escalated" else "info"
        line = {"at": self.parts.clock.wall(), "level": level, "text": text, "peer": session.opened_by, "task_id": ""}
        self.parts.events.publish("log", None, line)

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        return self.doors.handlers()
