"""Looks at the engine's parts and tells what is followed: this peer's tasks, elections, the DHT's bootstrap, what it does now."""

from __future__ import annotations

from typing import Final

from chorus_tui.engine.backbeat.claims import Doing
from chorus_tui.engine.backbeat.operations import Leading, Operations, election, phases_of
from chorus_tui.engine.backbeat.parts import Parts
from chorus_tui.engine.protocol.messages.beats import Phase
from chorus_tui.engine.tasks.task import Key, Task

ELECTION_S: Final = 30.0
DHT_S: Final = 60.0
"""How long each may take before it is over its budget."""
SUSPECT: Final = 0.6
"""Share of the admin's time-out after which its silence counts as the beginning of an election."""


class Watching:
    """Of one peer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.operations = Operations()
        self._leading = Leading("", 0, "", lost=False)
        self._old: set[Key] | None = None
        """Tasks that need no look any more: those that had ended before the first one, then all that end."""
        self._ended = ""
        self._ended_task = ""
        self._dht_up = False
        self._mesh: str | None = None

    def look(self) -> None:
        """Often: what passes between two looks is told all the same, where the records say so."""
        self._look_at_mesh()
        self._look_at_tasks()
        self._look_at_leading()
        self._look_at_dht()

    def doing(self) -> Doing:
        """For the claim on this beat; an end is told once."""
        parts, occupied = self._parts, self._parts.occupied()
        ended, task_id, self._ended, self._ended_task = self._ended, self._ended_task, "", ""
        held = [task for task in self._live() if task.held is not None and task.held.worker == parts.me]
        if ended or not held:
            return Doing(
                occupied.running, helping=bool(occupied.running), blocked=occupied.blocked, ended=ended, task_id=task_id
            )
        first = min(held, key=lambda task: (task.held.at_ms if task.held else 0, task.key))
        took = max(0.0, parts.clock.wall() - (first.held.at_ms / 1000 if first.held else 0.0))
        return Doing(
            max(1, occupied.running), blocked=occupied.blocked, task_id=first.key[1], took_s=took, limit_s=_limit(first)
        )

    def _live(self) -> list[Task]:
        """Tasks of the present mesh that were not followed to their end: most of a board has ended long ago."""
        old = self._old or set()
        return [task for task in self._parts.board.of_mesh(self._parts.control.mesh_id) if task.key not in old]

    def _is_mine(self, task: Task) -> bool:
        """Whether this peer announced it, or was ever granted it."""
        me = self._parts.me
        return any(grant.worker == me for grant in task.grants) or (
            task.announced is not None and task.announced.author == me
        )

    def _look_at_mesh(self) -> None:
        mesh = self._parts.control.mesh_id
        if mesh != self._mesh:
            self._mesh, self._ended, self._ended_task = mesh, "", ""
            self.operations.leave_mesh()

    def _look_at_tasks(self) -> None:
        now = self._parts.clock.monotonic()
        if self._old is None:
            if self._parts.control.mesh_id is not None:
                self._old = {task.key for task in self._live() if task.terminal}
            return
        for task in self._live():
            over = bool(task.terminal)
            if self._is_mine(task):
                self.operations.see(f"task:{task.key[1]}", "task", phases_of(task), now, _limit(task), ended=over)
                if over and task.grants and task.grants[-1].worker == self._parts.me:
                    self._ended, self._ended_task = task.terminal, task.key[1]
            if over:
                self._old.add(task.key)

    def _look_at_leading(self) -> None:
        control = self._parts.control
        heard = control.admin_heard_s()
        lost = control.state == "no_admin" or (
            heard is not None and heard > SUSPECT * control.parameters["admin_timeout_s"]
        )
        now = Leading(control.mesh_id or "", control.term, control.admin or "", lost=lost)
        found = election(self._leading, now)
        if now.mesh:
            # While nobody leads the terms of candidates come and go; an election is named by the term that was lost.
            self._leading = (
                now
                if not now.lost or not self._leading.lost
                else Leading(now.mesh, self._leading.term, now.admin, lost=True)
            )
        if found is not None:
            name, phases, over = found
            self.operations.see(name, "election", phases, self._parts.clock.monotonic(), ELECTION_S, ended=over)

    def _look_at_dht(self) -> None:
        if self._parts.dht_known is None or self._dht_up or not self._parts.mesh.links():
            return
        self._dht_up = self._parts.dht_known() > 0
        phases: tuple[Phase, ...] = ("discovering", "settling") if self._dht_up else ("discovering",)
        name = f"dht:{self._parts.me[-8:]}"
        self.operations.see(name, "dht", phases, self._parts.clock.monotonic(), DHT_S, ended=self._dht_up)


def _limit(task: Task) -> float:
    return float(task.announced.spec.timeout_s) if task.announced is not None else 600.0
