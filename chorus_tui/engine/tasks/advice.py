"""Advice for a task that tries again what an agent failed at. Pure."""

from __future__ import annotations

from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Task
from chorus_tui.engine.tasks.thread import Line

ASKED_S = 3.0
"""Seconds in which whoever failed asks for a mentor; it may be gone."""
GIVEN_S = 15.0
"""Seconds in which a mentor answers; what comes later is read as a word."""


def expected(task: Task, board: Board) -> bool:
    """Whether somebody may ask for a mentor: the task tries an agent's goal again that failed or ran out of budget."""
    announced = task.announced
    if announced is None or not announced.spec.goal or not announced.retry_of:
        return False
    old = board.tasks.get((task.key[0], announced.retry_of))
    return old is not None and bool(old.grants) and old.terminal in ("failed", "budget_exhausted")


def answered(task: Task) -> bool:
    """Whether a mentor has answered, with advice or without."""
    return any(one.request for one in task.thread.mentored.values())


def lines(task: Task) -> list[Line]:
    """The advice given, oldest first."""
    return [line for line in task.thread.in_order() if line.kind == "advice"]
