"""Whose progress is listened to: each task has a topic of its own, and a peer that joins too many is heard in none. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chorus_tui.engine.protocol.topics import MAX_JOINED
from chorus_tui.engine.tasks.task import Task


def own(tasks: Iterable[Task], me: str) -> list[Task]:
    """Open tasks that ``me`` announced, those with a worker first, then the newest; at most :data:`MAX_JOINED`."""
    mine = [
        (task.held is None, -task.announced.at_ms, task.key, task)
        for task in tasks
        if not task.terminal and task.announced is not None and task.announced.author == me
    ]
    return [task for *_, task in sorted(mine, key=lambda one: one[:3])[:MAX_JOINED]]


def over(watched: dict[str, float], now: float) -> list[str]:
    """Tasks that are listened to no more: whose time is up, and beyond twice :data:`MAX_JOINED` those asked after longest ago."""
    stalest = sorted(watched, key=watched.__getitem__)
    return [task_id for n, task_id in enumerate(stalest) if watched[task_id] < now or len(stalest) - n > 2 * MAX_JOINED]
