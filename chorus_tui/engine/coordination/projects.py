"""Where projects stand: counted from their tasks by the admin, and what an admin said of them last. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages.roles import ProjectUpdate
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Task
from chorus_tui.engine.tasks.waiting import held_back

_BLOCKERS = 16


@dataclass(frozen=True, slots=True)
class Standing:
    """What an admin said of a project."""

    author: str
    at_ms: int
    hash: str
    said: ProjectUpdate


@dataclass(slots=True)
class Projects:
    """A fold of project updates; ``led(author, mesh, term)`` judges whose count."""

    led: Callable[[str, str, int], bool]
    _said: dict[tuple[str, str], list[Standing]] = field(default_factory=dict)

    def apply(self, entry: Entry, message: ProjectUpdate) -> None:
        """One feed entry. Of each author only the newest of a project is kept."""
        fresh = Standing(entry.author, int(entry.header.hlc.partition(":")[0]), entry.hash, message)
        key = (message.mesh_id, message.project_id)
        of_author = [one for one in self._said.get(key, []) if one.author == entry.author] + [fresh]
        others = [one for one in self._said.get(key, []) if one.author != entry.author]
        self._said[key] = [*others, max(of_author, key=lambda one: (one.at_ms, one.hash))]

    def clear(self) -> None:
        """Forget what was said."""
        self._said.clear()

    def newest(self, mesh_id: str, project_id: str) -> Standing | None:
        """What an admin said last."""
        said = [
            one for one in self._said.get((mesh_id, project_id), []) if self.led(one.author, mesh_id, one.said.term)
        ]
        return max(said, key=lambda one: (one.at_ms, one.hash), default=None)

    def of_mesh(self, mesh_id: str) -> list[Standing]:
        """Every project of a mesh, by name."""
        found = [self.newest(*key) for key in sorted(self._said) if key[0] == mesh_id]
        return [one for one in found if one is not None]


def standing(board: Board, mesh_id: str, project_id: str, term: int) -> ProjectUpdate:
    """A project as its tasks are now. What was cancelled counts for nothing; what was tried again counts once."""
    tasks = [task for task in of_project(board, mesh_id, project_id) if not _again(board, task)]
    done = sum(task.terminal == "completed" for task in tasks)
    failed = [task for task in tasks if task.terminal in ("failed", "budget_exhausted")]
    going = [task for task in tasks if not task.terminal]
    stuck = [task for task in going if task.open and held_back(task, board)]
    total = done + len(failed) + len(going)
    blockers = [f"“{_title(task)}”: {held_back(task, board)}" for task in stuck]
    blockers += [f"“{_title(task)}” failed: {task.terminal_reason}" for task in failed]
    return ProjectUpdate(
        project_id=project_id, mesh_id=mesh_id, phase=_phase(going, stuck, done, failed),
        completion=100 * done // total if total else 0, open=len(going), done=done, failed=len(failed),
        blockers=[beginning(text, 300) for text in blockers[:_BLOCKERS]], term=term,
    )  # fmt: skip


def of_project(board: Board, mesh_id: str, project_id: str) -> list[Task]:
    """Its announced tasks."""
    return [task for task in board.of_mesh(mesh_id) if project_of(task) == project_id]


def project_of(task: Task) -> str:
    """The project of a task; empty for none."""
    return task.announced.spec.project_id if task.announced is not None else ""


def _phase(going: list[Task], stuck: list[Task], done: int, failed: list[Task]) -> str:
    if not going:
        return "blocked" if failed else "done"
    if len(stuck) == len(going):
        return "blocked"
    begun = done or failed or any(task.grants for task in going)
    return "working" if begun else "planning"


def _again(board: Board, task: Task) -> bool:
    """Whether it has ended and a later task does the same again."""
    return task.terminal == "cancelled" or (bool(task.terminal) and bool(board.retries.get(task.key)))


def _title(task: Task) -> str:
    return task.announced.spec.title if task.announced is not None else task.key[1]
