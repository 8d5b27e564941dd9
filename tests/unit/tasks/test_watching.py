"""Which tasks' topics a peer joins for what it has announced itself."""

from __future__ import annotations

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.protocol.topics import MAX_JOINED
from chorus_tui.engine.tasks.task import Announced, Grant, Task
from chorus_tui.engine.tasks.watching import over, own

SPEC = TaskSpec(title="x", commands=["true"])


def a_task(number: int, *, author: str = "me", held: bool = False, terminal: str = "") -> Task:
    """The higher its number, the newer."""
    grants = [Grant(1, "worker", 60.0, "", number)] if held else []
    task = Task(("mesh", f"t{number}"), grants=grants, terminal=terminal)
    task.note(Announced(author, SPEC, number, {"epoch": "0", "seq": number, "hash": f"{number:064x}"}))
    return task


def names(tasks: list[Task]) -> list[str]:
    return [task.key[1] for task in tasks]


def test_own_tasks_are_watched_up_to_a_bound():
    """Of a thousand open tasks those with a worker are watched first, then the newest, and no more than topics may be joined."""
    tasks = [a_task(n, held=n < 2) for n in range(1000)]

    assert names(own(tasks, "me")) == ["t1", "t0", *(f"t{n}" for n in range(999, 1001 - MAX_JOINED, -1))]


def test_tasks_of_others_and_ended_ones_are_not_watched():
    """Open tasks that this peer announced, all of them while they are few."""
    tasks = [
        a_task(0),
        a_task(1, terminal="failed"),
        a_task(2, author="other", held=True),
        Task(("mesh", "t3")),
        a_task(4),
    ]

    assert names(own(tasks, "me")) == ["t4", "t0"]


def test_what_was_asked_after_longest_ago_makes_room():
    """A task is let go when its time is up; beyond the bound the stalest go, so that what is joined stays bounded."""
    watched = {f"t{n}": 100.0 + n for n in range(2 * MAX_JOINED + 3)}

    assert over(watched, 100.5) == ["t0", "t1", "t2"]
    assert over({"old": 1.0, "new": 3.0}, 2.0) == ["old"]
