"""People as workers: claim a task by hand, submit its result, give it back, try an ended one again.

A claimed task is a grant like any other, only with a longer lease: its result goes through the same feed, and the same
control log accepts it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from chorus_tui.contract.models import tasks as models
from chorus_tui.contract.models.task_result import Artifact, TaskResult
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.carried_bytes import decoded
from chorus_tui.engine.execution.output import readable
from chorus_tui.engine.shhh.cutting import ending
from chorus_tui.engine.tasks import claims
from chorus_tui.engine.tasks.announcing import CONFIRM_S
from chorus_tui.engine.tasks.run import replicated
from chorus_tui.engine.tasks.task import Grant, Task

if TYPE_CHECKING:
    from chorus_tui.engine.tasks.service import TaskService

TAIL = 4000
"""Characters of a submitted text shown as output."""


class Hands:
    """Answers callers who work themselves."""

    def __init__(self, service: TaskService) -> None:
        self._service = service

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "tasks.claim": self.claim, "tasks.submit": self.submit, "tasks.release": self.release, "tasks.retry": self.retry,
        }  # fmt: skip

    # ── taking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, request: models.ClaimTask, _caller: Any) -> models.TaskView:
        """Ask the admin for the task, and wait a moment for its grant."""
        parts, task = self._service.parts, self._present(request.task_id)
        member = parts.control.members.get(parts.me)
        if member is None or not parts.control.may(parts.me, "work"):
            raise Problem(
                403, "authority", "This peer may not work on tasks", "That needs the authority 'coordination'."
            )
        why = claims.refusal(task, self._service.board, member)
        if why:
            raise Problem(409, "not-claimable", "The task cannot be claimed", f"{why}.")
        await self._ask_admin({"kind": "claim", "task_id": task.key[1]}, "The task cannot be claimed")
        await _moment(lambda: self._mine(task) is not None)
        if self._mine(task) is None:
            raise Problem(409, "not-claimable", "The task was not granted", "Look at it again: chorus-tui task show")
        return self._service.announcing.view_of(task)

    async def release(self, request: models.ReleaseTask, _caller: Any) -> models.TaskView:
        """Give a claimed task back."""
        task, held = self._held(request.task_id)
        reason = f"given back by hand: {request.reason}".removesuffix(": ")
        frame = {"kind": "release", "held": [[task.key[1], held.attempt]], "reason": reason}
        await self._ask_admin(frame, "The task cannot be given back")
        await _moment(lambda: bool(held.ended))
        return self._service.announcing.view_of(task)

    async def _ask_admin(self, frame: dict[str, Any], what: str) -> None:
        answer = await self._service.worker.ask(frame)
        if answer is None or answer["kind"] == "not_admin":
            raise Problem(503, "no-admin", "No admin can be reached", "Try again when there is one: chorus-tui status")
        if answer["kind"] == "refused":
            raise Problem(409, "refused", what, f"{answer.get('why', '')}.")

    # ── giving the result ──────────────────────────────────────────────────────────────────────────────────────────

    async def submit(self, request: models.SubmitTask, _caller: Any) -> models.TaskView:
        """Say the result; it is accepted as any other, at once or when there is an admin."""
        parts = self._service.parts
        task, held = self._held(request.task_id)
        if task.report is not None:
            raise Problem(409, "submitted", "A result was submitted already", "It waits for the mesh to confirm it.")
        result = await self._result(request)
        data = {
            "task_id": task.key[1], "mesh_id": task.key[0], "attempt": held.attempt, "result": result.model_dump(),
        }  # fmt: skip
        await parts.journal.say("task_complete", data)
        await _moment(lambda: bool(task.terminal))
        return self._service.announcing.view_of(task)

    async def _result(self, request: models.SubmitTask) -> TaskResult:
        if request.file is None:
            return TaskResult(outcome="failed", reason="by_hand", detail=request.reason)
        content = decoded(request.file.content, "file.content")
        text = content.decode("utf-8", "replace")
        if request.kind == "patch" and not _is_patch(text):
            raise invalid({"file.content": "this is no patch: lines '--- a/file' and '+++ b/file' are missing"})
        blobs = self._service.parts.blobs
        info = await blobs.put_bytes(content)
        artifact = Artifact(path=request.file.name, size=info.size, sha256=info.digest.removeprefix("sha256:"))
        shown = ending(readable(content), TAIL, self._clean) if "\0" not in text else ""
        result = TaskResult(
            outcome="completed", reason="by_hand", detail=request.reason, output_tail=shown, output_bytes=len(content),
            output_cut=len(text) > TAIL, artifacts=[artifact],
        )  # fmt: skip
        return await replicated(blobs, result)

    def _clean(self, text: str) -> str:
        stream = self._service.parts.redactor()
        return (stream.feed(text.encode()) + stream.flush()).decode("utf-8", "replace")

    # ── again ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def retry(self, request: models.RetryTask, caller: Any) -> models.TaskRef:
        """A new attempt of an ended task is a new task that names the old one."""
        task, board = self._present(request.task_id), self._service.board
        if not task.terminal:
            raise Problem(409, "not-ended", "The task has not ended yet", "Cancel it first, or wait for its end.")
        if task.terminal == "completed":
            raise Problem(409, "completed", "The task is completed", "Announce a new one to do it again.")
        again = [board.find(task_id, task.key[0]) for task_id in sorted(board.retries.get(task.key, ()))]
        open_ = next((one for one in again if one is not None and one.terminal in ("", "completed")), None)
        if open_ is not None:
            state = open_.terminal or "not ended yet"
            raise Problem(409, "retried", "The task was tried again already", f"That is {open_.key[1]}, {state}.")
        announced = task.announced
        assert announced is not None
        if announced.erased:
            raise Problem(409, "erased", "What the task asked for was erased", "Announce it anew to do it again.")
        return await self._service.announcing.again(task.key[1], announced.spec, caller)

    # ── finding ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _present(self, task_id: str) -> Task:
        """A task of the present mesh."""
        task = self._service.follow(self._service.announcing.find(task_id))
        if task.key[0] != self._service.parts.control.mesh_id:
            raise Problem(
                409, "other-mesh", "The task belongs to a mesh that was left", "Announce it anew in this one."
            )
        return task

    def _mine(self, task: Task) -> Grant | None:
        held = task.held
        return held if held is not None and held.by_hand and held.worker == self._service.parts.me else None

    def _held(self, task_id: str) -> tuple[Task, Grant]:
        task = self._present(task_id)
        held = self._mine(task)
        if held is None:
            how = (
                f"It has ended: {task.terminal}."
                if task.terminal
                else f"Claim it first: chorus-tui task claim {task_id}"
            )
            raise Problem(409, "not-held", "This peer did not claim the task", how)
        return task, held


async def _moment(condition: Callable[[], bool]) -> None:
    with trio.move_on_after(CONFIRM_S):
        while not condition():  # noqa: ASYNC110 - a moment only
            await trio.sleep(0.05)


def _is_patch(text: str) -> bool:
    lines = text.splitlines()
    return any(line.startswith("--- ") for line in lines) and any(line.startswith("+++ ") for line in lines)
