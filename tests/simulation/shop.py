"""Tasks on a simulated mesh: journals, control logs, boards and simulated sandboxes, as the engine joins them."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import trio

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import AnnounceTask, TaskRef
from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.simulation.stand_ins import NoBlobs, Plain, SimulatedExecutor, nothing_known
from chorus_tui.engine.tasks.parts import Parts
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.service import TaskService
from chorus_tui.engine.tasks.worker import Skills
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import one_mesh


class Shop:
    """A world whose peers also carry the tasks feature."""

    def __init__(self, at: World) -> None:
        self.at = at
        self.services: dict[str, TaskService] = {}
        self.executors: dict[str, SimulatedExecutor] = {}

    async def start(self, name: str, *, max_tasks: int = 3, **options: Any) -> Peer:
        holder: dict[str, TaskService] = {}

        def extend(peer: Peer) -> None:
            executor = self.executors.setdefault(name, SimulatedExecutor())
            parts = Parts(
                peer.peer_id, name, peer.journal, peer.control, peer.mesh, NoBlobs(), executor, None, SystemClock(),  # type: ignore[arg-type]
                SeededEntropy(name), EventBus(), Plain, lambda: self.agents(peer), lambda: ("python",),
                Skills(max_tasks, "", ()), nothing_known,
            )  # fmt: skip
            holder["service"] = TaskService(parts)
            peer.control.fold(peer.journal.erasures)

        peer = await self.at.start(name, extend=extend, parameters={"lease_s": 10.0}, **options)
        self.services[name] = holder["service"]
        peer.tasks_scope = await self.at.nursery.start(self._serve, peer, holder["service"])  # type: ignore[attr-defined]
        return peer

    async def _serve(self, peer: Peer, service: TaskService, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        with trio.CancelScope() as scope:
            task_status.started(scope)
            await service.run()

    def kill(self, name: str) -> tuple[bytes, bytes]:
        peer = self.at.peers[name]
        peer.tasks_scope.cancel()  # type: ignore[attr-defined]
        self.services.pop(name)
        return self.at.kill(name)

    def agents(self, seer: Peer) -> list[Agent]:
        links = seer.mesh.links()  # type: ignore[attr-defined]
        return [
            Agent(
                member.peer_id,
                member.agent_id,
                member.peer_id in links or member.peer_id == seer.peer_id,
                True,
                member.role,
                member.expertise,
                max_tasks=0 if member.kind == "human" else 3,
            )
            for member in seer.control.members.values()
        ]

    async def announce(self, name: str, *commands: str, **spec: Any) -> str:
        service = self.services[name]
        request = AnnounceTask(spec=TaskSpec(title="t", commands=list(commands), **spec))
        return (await service.announcing.announce(request, None)).task_id

    async def state(self, name: str, task_id: str) -> Any:
        return await self.services[name].announcing.show(TaskRef(task_id=task_id), None)

    async def ended(self, name: str, task_id: str, seconds: float = 120) -> Any:
        task = self.services[name].board.find
        await until("the task has ended", lambda: (t := task(task_id)) is not None and t.terminal, seconds)
        await trio.sleep(3)
        return await self.state(name, task_id)


@asynccontextmanager
async def shop(seed: int, *names: str, **options: Any):
    """A mesh of these peers with tasks."""
    async with world(seed) as at:
        made = Shop(at)
        peers = [await made.start(name, **options) for name in names]
        await until("one mesh", lambda: one_mesh(peers))
        await trio.sleep(2)
        yield made


def accepted(peer: Peer, task_id: str) -> int:
    return sum(
        '"task_accepted"' in line.replace("\\", "") and task_id in line for line in peer.control.export(0, 10_000)
    )


def decisions(peer: Peer) -> list[tuple[str, str]]:
    """What was decided of tasks, in order: (type, task id)."""
    entries = [json.loads(json.loads(line)["entry"]) for line in peer.control.export(0, 10_000) if '"entry"' in line]
    return [(entry["type"], entry["data"]["task_id"]) for entry in entries if entry["type"].startswith("task_")]
