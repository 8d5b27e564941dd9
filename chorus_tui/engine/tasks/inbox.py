"""What of the tasks waits for this peer's person: work that needs somebody's word before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chorus_tui.contract.models.inbox import InboxItem
from chorus_tui.contract.models.tasks import JudgeTask
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks import approval
from chorus_tui.engine.tasks.task import Task

if TYPE_CHECKING:
    from chorus_tui.engine.tasks.service import TaskService


class TaskInbox:
    """A :class:`chorus_tui.engine.inbox.interface.Source`."""

    kinds = frozenset({"approval"})

    def __init__(self, service: TaskService) -> None:
        self._service = service

    def waiting(self) -> list[InboxItem]:
        """Tasks whose start this person may agree to, or deny."""
        service = self._service
        parts = service.parts
        if not parts.control.may(parts.me, "approve"):
            return []
        agents = parts.agents()
        return [
            self._item(task)
            for task in service.board.of_mesh(parts.control.mesh_id)
            if task.announced is not None and not approval.refusal(task, parts.me, agents, approve=True)
        ]

    def _item(self, task: Task) -> InboxItem:
        announced = task.announced
        assert announced is not None
        spec, since = announced.spec, announced.at_ms / 1000
        why = approval.obstacle(task) or approval.wary(task, self._service.parts.agents())
        return InboxItem(
            item_id=f"approval:{task.key[1]}", kind="approval", subject_id=task.key[1], title=spec.title,
            purpose=f"may it run? {why}", priority=spec.priority, since=since,
            expires_at=since + spec.approve_within_s if spec.approve_within_s else None, asked_by=announced.author,
            asked_by_name=self._service.name(announced.author), choices=["approve", "deny"], words="optional",
            command=f"chorus-tui task approve {task.key[1]}", version=announced.hash,
        )  # fmt: skip

    async def answer(self, item: InboxItem, choice: str, text: str, caller: Any) -> str:
        """Through the same door as the tasks screen."""
        request = JudgeTask(task_id=item.subject_id, reason=beginning(text, 300), announcement=item.version)
        approving = self._service.approving
        view = await (approving.approve if choice == "approve" else approving.deny)(request, caller)
        if choice == "deny":
            return f"Denied; the task is {view.state}"
        return f"Approved{f'; it still waits: {view.waiting_for}' if view.waiting_for else ''}"
