"""Calls for workers: on the topics of the role and areas that a task asks for, heard by those whom the mesh gave them.

A worker that hears its role called offers at once; a person is told that there is something to claim. The topics are
joined as role and expertise are granted and left when they are taken back.
"""

from __future__ import annotations

import structlog

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.bell import pause
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages import Message, TaskCall
from chorus_tui.engine.tasks import dependencies
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.parts import Parts
from chorus_tui.engine.tasks.task import Key, Task

log = structlog.get_logger("chorus.tasks.calls")

LOOK_S = 1.0
EVERY_S = 30.0
AT_ONCE = 4
"""Tasks called for in one look: gossip is for all."""


def of_member(member: Member | None) -> set[str]:
    """The topics of a member's granted role and expertise."""
    if member is None:
        return set()
    return _topics(member.role, member.expertise)


def of_task(spec: TaskSpec) -> set[str]:
    """Where a task calls: its role; without one its areas."""
    return _topics(spec.role, () if spec.role else tuple(spec.expertise))


def _topics(role: str, expertise: tuple[str, ...]) -> set[str]:
    return ({topics.role(role)} if role else set()) | {topics.expertise(area) for area in expertise}


class Calls:
    """Runs on every peer; only the admin calls."""

    def __init__(self, parts: Parts, board: Board) -> None:
        self._parts = parts
        self._board = board
        self._joined: set[str] = set()
        self._called: dict[Key, float] = {}
        self._told: set[Key] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            due = self._due()
            wanted = of_member(self._parts.control.members.get(self._parts.me))
            for task in due:
                wanted |= of_task(_spec(task))
            for topic in sorted(wanted - self._joined):
                await self._parts.mesh.join(topic)
            for task in due:
                await self._call(task)
            for topic in sorted(self._joined - wanted):
                await self._parts.mesh.leave(topic)
            self._joined = wanted
            await pause(LOOK_S)

    def _due(self) -> list[Task]:
        """Open tasks whose workers were not called for a while; only where this peer is the admin."""
        control, now = self._parts.control, self._parts.clock.monotonic()
        if not control.is_admin:
            self._called.clear()
            return []
        waiting = [
            task
            for task in self._board.of_mesh(control.mesh_id)
            if task.open and of_task(_spec(task)) and not dependencies.obstacle(task, self._board)
        ]
        return [task for task in waiting if now - self._called.get(task.key, -EVERY_S) >= EVERY_S][:AT_ONCE]

    async def _call(self, task: Task) -> None:
        if task.announced is None:
            return  # taken back while others were called for
        spec = task.announced.spec
        self._called[task.key] = self._parts.clock.monotonic()
        mesh_id, task_id = task.key
        data = {"task_id": task_id, "mesh_id": mesh_id, "title": spec.title}
        for topic in sorted(of_task(spec)):
            await self._parts.journal.whisper("task_call", data, topic=topic)
        self._tell_person(task.key, spec.title)

    async def hear(self, author: str, message: Message, topic: str) -> bool:
        """A call; whether it is the admin's and concerns this peer."""
        assert isinstance(message, TaskCall)
        control = self._parts.control
        mine = topic in of_member(control.members.get(self._parts.me))
        if author != control.admin or message.mesh_id != control.mesh_id or not mine:
            return False
        log.debug("📢 A task calls for this peer's role", task_id=message.task_id)
        self._tell_person((message.mesh_id, message.task_id), message.title)
        return True

    def _tell_person(self, key: Key, title: str) -> None:
        """A person is told once; agents offer by themselves."""
        member = self._parts.control.members.get(self._parts.me)
        concerned = member is not None and member.kind == "human" and key not in self._told
        if not concerned or not of_member(member):
            return
        self._told.add(key)
        text = f"📢 “{title}” looks for somebody like you: chorus-tui task claim {key[1]}"
        line = {"at": self._parts.clock.wall(), "level": "info", "text": text, "peer": "", "task_id": key[1]}
        self._parts.events.publish("log", None, line)


def _spec(task: Task) -> TaskSpec:
    announced = task.announced
    assert announced is not None
    return announced.spec
