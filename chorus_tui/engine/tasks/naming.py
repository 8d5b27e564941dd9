"""Which blobs the tasks name, and who keeps each: a function of the board.

While a task is open, what it needs is kept by its announcer, and what a worker said it made by worker and announcer. The
result that ended a task, completed or failed, is a record of the mesh: its blobs are kept by more members
(``engine/journal/blobs/rules.py``). Of ended tasks everything else may go.
"""

from __future__ import annotations

from collections.abc import Iterator

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.engine.journal.blobs.rules import Named
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Reported, Task


def named_blobs(board: Board) -> Iterator[Named]:
    """Of all tasks, in the order in which they came to be known here."""
    for task in board.tasks.values():
        if task.accepted is not None:
            yield from _of_result(task, task.accepted, record=True)
        elif not task.terminal:
            yield from _of_open(task)


def digests(result: TaskResult) -> dict[str, int | None]:
    """Everything a result names, with its size in bytes where it is told: of output that was cut only that of all of it is."""
    named: dict[str, int | None] = {f"sha256:{artifact.sha256}": artifact.size for artifact in result.artifacts}
    if result.change is not None:
        named[result.change.patch] = result.change.size
    if result.transcript:
        named[result.transcript] = None
    return {**named, result.log: None if result.output_cut else result.output_bytes} if result.log else named


def _of_open(task: Task) -> Iterator[Named]:
    announced = task.announced
    if announced is not None and announced.spec.repository.startswith("sha256:"):
        why = f"repository of the open task {task.key[1]}"
        yield Named(announced.spec.repository, None, frozenset({announced.author}), record=False, why=why)
    for reported in task.reports.values():
        yield from _of_result(task, reported, record=False)


def _of_result(task: Task, reported: Reported, *, record: bool) -> Iterator[Named]:
    announced = task.announced
    makers = {reported.author, announced.author} if announced else {reported.author}
    why = f"{'accepted result' if record else 'result'} of task {task.key[1]}"
    for digest, size in digests(reported.result).items():
        yield Named(digest, size, frozenset(makers), record, why)
