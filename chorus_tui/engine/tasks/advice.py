"""Advice for a task that tries again what an agent failed at: who may ask for it. Pure."""

from __future__ import annotations

from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Grant, Task

ASKED_S = 3.0
"""Seconds in which whoever failed asks for a mentor; it may be gone."""
GIVEN_S = 15.0
"""Seconds in which a mentor answers; what comes later is read as a word."""


def failed_before(task: Task, board: Board) -> tuple[Task, Grant] | None:
    """The task that this one tries again, and its last attempt, when an agent failed at it or ran out of budget."""
    announced = task.announced
    if announced is None or not announced.spec.goal or not announced.retry_of:
        return None
    old = board.tasks.get((task.key[0], announced.retry_of))
    if old is None or not old.grants or old.terminal not in ("failed", "budget_exhausted"):
        return None
    return old, old.grants[-1]


def requests(task: Task, board: Board) -> set[str]:
    """Entries in which whoever failed before asks for a mentor. That anybody else asks is no reason to listen to an answer."""
    before = failed_before(task, board)
    if before is None:
        return set()
    worker = before[1].worker
    return {one.hash for one in task.thread.mentored.values() if not one.request and one.author == worker}
