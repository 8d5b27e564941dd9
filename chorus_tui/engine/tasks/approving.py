"""People agree to a task, or deny it: their signed words become entries of the control log.

A word is about one announcement, named by its hash: the one that this peer shows when it is given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from chorus_tui.contract.models import tasks as models
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import Refused
from chorus_tui.engine.tasks import approval
from chorus_tui.engine.tasks.announcing import CONFIRM_S
from chorus_tui.engine.tasks.task import Task

if TYPE_CHECKING:
    from chorus_tui.engine.tasks.service import TaskService

APPROVED, DENIED = entries.TASK_APPROVED, entries.TASK_DENIED


class Approving:
    """Answers people who decide; as the admin, checks what only the board knows."""

    def __init__(self, service: TaskService) -> None:
        self._service = service
        control = service.parts.control
        control.on_request(APPROVED, lambda who, data: self._refusal(who, data, approve=True))
        control.on_request(DENIED, lambda who, data: self._refusal(who, data, approve=False))

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {"tasks.approve": self.approve, "tasks.deny": self.deny}

    async def approve(self, request: models.JudgeTask, _caller: Any) -> models.TaskView:
        """Agree; the answer shows whether others still have to."""
        return await self._judge(request, APPROVED)

    async def deny(self, request: models.JudgeTask, _caller: Any) -> models.TaskView:
        """Refuse; the task ends as cancelled."""
        return await self._judge(request, DENIED)

    async def _judge(self, request: models.JudgeTask, type_: str) -> models.TaskView:
        task = self._service.follow(self._service.announcing.find(request.task_id))
        me = self._service.parts.me
        what = "approved" if type_ == APPROVED else "denied"
        announced = task.announced
        if announced is None or request.announcement not in ("", announced.hash):
            raise Problem(
                409,
                "changed",
                f"The task cannot be {what}: it is not the one you looked at any more",
                f"Another announcement counts now; look at it again: chorus-tui task show {task.key[1]}",
            )
        # Signed with it: nobody can make this word one about another announcement of the same id.
        data = {"task_id": task.key[1], "announcement": announced.hash, "reason": request.reason}
        try:
            index = await self._service.parts.control.request(type_, data)
        except Refused as error:
            raise Problem(409, "refused", f"The task cannot be {what}", f"{error}.") from error
        with trio.move_on_after(CONFIRM_S):
            while not self._is_in(task, me, type_, index):  # noqa: ASYNC110 - a moment only
                await trio.sleep(0.05)
        return self._service.announcing.view_of(task)

    def _is_in(self, task: Task, me: str, type_: str, index: int) -> bool:
        """Whether the entry has come back to this peer; a denial also has to have ended the task."""
        decided = self._service.parts.control.commit >= index
        return decided and (bool(task.terminal) if type_ == DENIED else me in task.approvals)

    def _refusal(self, who: str, data: dict[str, Any], *, approve: bool) -> str | None:
        """What the admin checks besides authority: that the task waits for this word."""
        mesh_id = self._service.parts.control.mesh_id
        task = self._service.board.tasks.get((mesh_id or "", str(data.get("task_id", ""))))
        if task is None or task.announced is None:
            return "the admin has not heard of this task yet"
        if data.get("announcement") != task.announced.hash:
            return "another announcement of this task counts; look at it again"
        return approval.refusal(task, who, self._service.parts.agents(), approve=approve) or None
