"""Reports that are said without being asked for: where projects stand, by the admin; what a member did, to its supervisor.

The topics of projects with open tasks are joined by everybody, the topic of a supervisor by it alone.
"""

from __future__ import annotations

import structlog

from chorus_tui.engine.bell import pause
from chorus_tui.engine.control.leaders import Leaders
from chorus_tui.engine.coordination import projects
from chorus_tui.engine.coordination.parts import Parts
from chorus_tui.engine.coordination.projects import Projects
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks.task import Grant, Task

log = structlog.get_logger("chorus.coordination.reporting")

LOOK_S = 1.0
PROJECT_S = 10.0
"""Seconds between two updates of one project."""
REPORT_S = 60.0
"""Seconds between two reports of a member."""
MOST_PROJECTS = 16
"""Whose topics are joined at once."""


class Reporting:
    """Runs on every peer."""

    def __init__(self, parts: Parts, said: Projects, leaders: Leaders) -> None:
        self._parts = parts
        self._said = said
        self._leaders = leaders
        self._joined: set[str] = set()
        self._told: dict[str, float] = {}
        self._counted: set[tuple[str, str, int]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        self._counted = {key for key, _, _ in self._own_ends()}
        since = self._parts.clock.monotonic()
        last = -REPORT_S
        while True:
            await self._join()
            try:
                await self._update_projects()
                now = self._parts.clock.monotonic()
                if now - last >= REPORT_S and await self._report(int(now - since)):
                    since = last = now
            except Refused as error:
                log.info("A report was not said", reason=str(error))
            await pause(LOOK_S)

    # ── topics ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _join(self) -> None:
        parts = self._parts
        going = {projects.project_of(task) for task in parts.board.of_mesh(parts.control.mesh_id) if not task.terminal}
        wanted = {topics.project(one) for one in sorted(going - {""})[:MOST_PROJECTS]}
        if self._supervises():
            wanted.add(topics.hierarchy(parts.agent_id))
        for topic in sorted(wanted - self._joined):
            await parts.mesh.join(topic)
        for topic in sorted(self._joined - wanted):
            await parts.mesh.leave(topic)
        self._joined = wanted

    def _supervises(self) -> bool:
        """Whether a member says that it reports to this one."""
        parts = self._parts
        roles = [parts.peers.said(peer_id).role for peer_id in parts.control.members if peer_id != parts.me]
        return any(role is not None and role.reports_to == parts.agent_id for role in roles)

    # ── projects ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _update_projects(self) -> None:
        parts = self._parts
        mesh_id, term, now = parts.control.mesh_id, parts.control.term, parts.clock.monotonic()
        if not parts.control.is_admin or mesh_id is None or not self._leaders.led(parts.me, mesh_id, term):
            return
        for project_id in sorted({projects.project_of(task) for task in parts.board.of_mesh(mesh_id)} - {""}):
            if now - self._told.get(project_id, -PROJECT_S) < PROJECT_S:
                continue
            fresh = projects.standing(parts.board, mesh_id, project_id, term)
            before = self._said.newest(mesh_id, project_id)
            if before is not None and before.said.model_copy(update={"term": term}) == fresh:
                continue
            self._told[project_id] = now
            topic = topics.project(project_id)
            await parts.journal.say("project_update", fresh.model_dump(), topic=topic, project_id=project_id)
            self._joined.add(topic)

    # ── reports ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _report(self, period_s: int) -> bool:
        """Whether there was something to report: a task of this member has ended since its report before."""
        parts = self._parts
        fresh = [(key, task, grant) for key, task, grant in self._own_ends() if key not in self._counted]
        supervisor = parts.peers.me.reports_to
        if not supervisor or supervisor == parts.agent_id or not fresh or parts.control.mesh_id is None:
            return False
        failed = [task for _, task, grant in fresh if grant.ended != "accepted"]
        data = {
            "agent_id": parts.agent_id, "period_s": period_s, "running": self._running(),
            "done": len(fresh) - len(failed), "failed": len(failed),
            "blockers": [beginning(f"“{_title(task)}”: {task.terminal_reason or task.grants[-1].reason}", 300) for task in failed[:16]],
        }  # fmt: skip
        topic = topics.hierarchy(supervisor)
        await parts.journal.say("status_update", data, topic=topic)
        self._joined.add(topic)  # saying joined it; the next look leaves it again
        self._counted |= {key for key, _, _ in fresh}
        return True

    def _own_ends(self) -> list[tuple[tuple[str, str, int], Task, Grant]]:
        """Attempts of this member that have ended."""
        return [
            ((*task.key, grant.attempt), task, grant)
            for task in self._parts.board.of_mesh(self._parts.control.mesh_id)
            for grant in task.grants
            if grant.worker == self._parts.me and grant.ended
        ]

    def _running(self) -> list[str]:
        held = [
            task for task in self._parts.board.of_mesh(self._parts.control.mesh_id)
            if task.held is not None and task.held.worker == self._parts.me
        ]  # fmt: skip
        return [_title(task) for task in held[:32]]


def _title(task: Task) -> str:
    return task.announced.spec.title if task.announced is not None else task.key[1]
