"""People talk to whoever works on a task: a word in its thread, a pause, going on, a stop with what there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import trio

from chorus_tui.contract.models import tasks as models
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.behalf import person
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.tasks import steering
from chorus_tui.engine.tasks.announcing import CONFIRM_S
from chorus_tui.engine.tasks.task import Task

if TYPE_CHECKING:
    from chorus_tui.engine.tasks.service import TaskService

_WHAT = {"pause": "paused", "resume": "resumed", "stop": "stopped"}


class Talking:
    """Answers callers who have something to say to a task's worker."""

    def __init__(self, service: TaskService) -> None:
        self._service = service

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "tasks.say": self.say, "tasks.pause": self.pause, "tasks.resume": self.resume, "tasks.stop": self.stop,
        }  # fmt: skip

    async def say(self, request: models.SayToTask, caller: Any) -> models.TaskView:
        """A word in the thread; an open or an ended task alike."""
        task = self._service.follow(self._service.announcing.find(request.task_id))
        announced = task.announced
        assert announced is not None
        data = {
            "task_id": task.key[1], "mesh_id": task.key[0], "thread_id": announced.spec.thread_id or task.key[1],
            "message": request.text, "on_behalf_of": person(caller),
        }  # fmt: skip
        await self._put("meta_discussion", data, "text")
        return self._service.announcing.view_of(task)

    async def pause(self, request: models.SteerTask, caller: Any) -> models.TaskView:
        """Its agent waits before its next step."""
        return await self._steer(request, caller, "pause")

    async def resume(self, request: models.SteerTask, caller: Any) -> models.TaskView:
        """Its agent goes on."""
        return await self._steer(request, caller, "resume")

    async def stop(self, request: models.SteerTask, caller: Any) -> models.TaskView:
        """Its agent ends after this step; what it has done is its result."""
        return await self._steer(request, caller, "stop")

    async def _steer(
        self, request: models.SteerTask, caller: Any, act: Literal["pause", "resume", "stop"]
    ) -> models.TaskView:
        task = self._service.follow(self._service.announcing.find(request.task_id))
        self._check(task, act)
        data = {
            "task_id": task.key[1], "mesh_id": task.key[0], "act": act, "reason": request.reason,
            "on_behalf_of": person(caller),
        }  # fmt: skip
        await self._put("task_steering", data, "reason")
        with trio.move_on_after(CONFIRM_S):
            while not self._heard(task, act):  # noqa: ASYNC110 - a moment only
                await trio.sleep(0.02)
        return self._service.announcing.view_of(task)

    def _check(self, task: Task, act: str) -> None:
        announced, me = task.announced, self._service.parts.me
        assert announced is not None
        what = f"The task cannot be {_WHAT[act]}"
        if task.terminal:
            raise Problem(409, "ended", what, f"It has ended: {task.terminal}.")
        if not announced.spec.goal:
            raise Problem(
                409,
                "no-agent",
                what,
                "It lists its commands; only work of an agent has steps between. Cancel it instead.",
            )
        if task.held is None:
            raise Problem(409, "not-running", what, "Nobody works on it now; cancel it instead.")
        if task.report is not None:
            raise Problem(409, "result-in", what, "Its result is in already.")
        if not self._service.may_steer(me, announced.author):
            raise Problem(
                403, "authority", what, "Only its announcer, or somebody with the authority 'decision', may do that."
            )

    def _heard(self, task: Task, act: str) -> bool:
        may = self._service.may_steer
        if act == "stop":
            return steering.stopped(task, may) is not None
        return steering.paused(task, may) == (act == "pause")

    async def _put(self, type_: str, data: dict[str, Any], field: str) -> None:
        try:
            await self._service.parts.journal.say(type_, data)
        except OverQuota:
            raise
        except Refused as error:
            raise invalid({field: str(error)}) from error
