"""Whether somebody may take a task by hand. Pure."""

from __future__ import annotations

from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.tasks import routing
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Task
from chorus_tui.engine.tasks.waiting import held_back


def refusal(task: Task, board: Board, member: Member) -> str:
    """Why ``member`` cannot have the task now, in words; empty when it can."""
    announced = task.announced
    assert announced is not None
    if task.terminal:
        return f"the task has already ended: {task.terminal}"
    if task.held is not None:
        return "you hold it already" if task.held.worker == member.peer_id else "somebody else works on it"
    if len(task.grants) >= announced.spec.max_attempts:
        return f"all its {announced.spec.max_attempts} attempts are used up"
    if not routing.has_role(announced.spec, member.role):
        return f"it needs the role {announced.spec.role}, and yours is {member.role or 'none'}"
    if not routing.has_expertise(announced.spec, member.expertise):
        return f"it needs expertise in {' or '.join(announced.spec.expertise)}"
    return held_back(task, board)
