"""Pause, resume, stop: what those who may have asked of a task's worker. Pure.

It counts for the attempt during which it is said; between two steps the worker looks.
"""

from __future__ import annotations

from collections.abc import Callable

from chorus_tui.engine.tasks.task import Task
from chorus_tui.engine.tasks.thread import Steered

MaySteer = Callable[[str, str], bool]
"""(who, announcer): whether this peer may steer a task of that announcer."""


def _counting(task: Task, may_steer: MaySteer) -> list[Steered]:
    announced, held = task.announced, task.held
    if announced is None or held is None:
        return []
    said = [
        one for one in task.thread.steering.values()
        if one.at_ms >= held.at_ms and may_steer(one.author, announced.author)
    ]  # fmt: skip
    return sorted(said, key=lambda one: (one.at_ms, one.hash))


def stopped(task: Task, may_steer: MaySteer) -> Steered | None:
    """Who stopped the present attempt first."""
    return next((one for one in _counting(task, may_steer) if one.act == "stop"), None)


def paused(task: Task, may_steer: MaySteer) -> bool:
    """Whether the present attempt is to wait: the last word counts."""
    said = _counting(task, may_steer)
    return bool(said) and said[-1].act == "pause"
