"""What a task waits for before it may be granted. Pure.

A dependency is met when it is completed, or when a retry of it is that asks for exactly the same. One that failed or was
cancelled is never met by itself, and says so. Tasks that wait for each other in a circle wait until one of them is
cancelled; nothing else waits with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Key, Task

NAMED = 3
"""Dependencies named in one sentence."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency as it stands. ``task`` is the one that counts now: a retry, or the one that goes on elsewhere."""

    task_id: str
    task: Task | None
    state: Literal["met", "open", "lost", "unknown"]


def of(task: Task, board: Board) -> list[Dependency]:
    """All dependencies of a task, in its own order."""
    announced = task.announced
    wanted = announced.spec.depends_on if announced else []
    return [_dependency(task_id, board, task.key[0]) for task_id in wanted]


def _dependency(task_id: str, board: Board, mesh_id: str) -> Dependency:
    first = board.find(task_id, mesh_id)
    if first is None:
        return Dependency(task_id, None, "unknown")
    line = board.line(board.follow(first, mesh_id), mesh_id)
    done = next((task for task in line if task.terminal == "completed"), None)
    if done is not None:
        return Dependency(task_id, done, "met")
    going_on = next((task for task in line if not task.terminal), None)
    return Dependency(task_id, going_on or line[-1], "open" if going_on else "lost")


def obstacle(task: Task, board: Board) -> str:
    """Why its dependencies keep a task from being granted, in words; empty when they do not."""
    left = [dependency for dependency in of(task, board) if dependency.state != "met"]
    if not left:
        return ""
    circle = cycle(task, board)
    if circle:
        way = " → ".join(_title(board.tasks.get(key)) or key[1] for key in circle)
        return f"it waits for itself: {way}; cancel one of them"
    lost = next((dependency for dependency in left if dependency.state == "lost"), None)
    if lost is not None and lost.task is not None:
        how = {"failed": "failed", "cancelled": "was cancelled", "budget_exhausted": "ran out of its budget"}.get(
            lost.task.terminal, "ended without a result"
        )
        return f"it depends on {_title(lost.task)}, which {how}; retry that one, or cancel this one"
    names = [_title(dependency.task) or f"{dependency.task_id} (not here yet)" for dependency in left]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"it depends on {', '.join(names[:NAMED])}{more}, not completed yet"


def cycle(task: Task, board: Board) -> list[Key]:
    """The way on which a task comes back to itself, first and last the same; empty when there is none."""
    seen: set[Key] = set()
    ways = [[task.key]]
    while ways:
        way = ways.pop()
        for key in _needs(way[-1], board):
            if key == task.key:
                return [*way, key]
            if key not in seen:
                seen.add(key)
                ways.append([*way, key])
    return []


def _needs(key: Key, board: Board) -> list[Key]:
    task = board.tasks.get(key)
    if task is None:
        return []
    return [dependency.task.key for dependency in of(task, board) if dependency.task and dependency.state == "open"]


def faults(task_id: str, depends_on: list[str], board: Board, mesh_id: str) -> dict[str, str]:
    """What is wrong with the dependencies of a task that is to be announced, by field."""
    wrong = {}
    for n, wanted in enumerate(depends_on):
        found = board.find(wanted, mesh_id)
        if wanted == task_id:
            wrong[f"spec.depends_on[{n}]"] = "a task cannot depend on itself"
        elif found is None:
            wrong[f"spec.depends_on[{n}]"] = (
                f"there is no task {wanted} here; chorus-tui task list shows which there are"
            )
        elif _reaches(found, (mesh_id, task_id), board):
            wrong[f"spec.depends_on[{n}]"] = f"{_title(found)} depends on this task: they would wait for each other"
    return wrong


def _reaches(start: Task, goal: Key, board: Board) -> bool:
    """Whether a task depends, over any others, on ``goal``, which may not be announced yet."""
    seen, todo = {start.key}, [start]
    while todo:
        task = todo.pop()
        announced = task.announced
        if announced is not None and task.key[0] == goal[0] and goal[1] in announced.spec.depends_on:
            return True
        for key in _needs(task.key, board):
            if key not in seen:
                seen.add(key)
                todo.append(board.tasks[key])
    return False


def _title(task: Task | None) -> str:
    if task is None or task.announced is None:
        return ""
    return f"“{task.announced.spec.title}”"
