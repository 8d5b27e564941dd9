"""Which blobs tasks name, and who needs them. Pure.

The files of an accepted result are kept by its announcer, its worker and three others; those of a result that does not
count, by announcer and worker alone. The repository of a task is kept by its announcer, and by others while it is open.
"""

from __future__ import annotations

from collections.abc import Iterator

from chorus_tui.contract.models.tasks import TaskResult
from chorus_tui.engine.journal.blob_rules import Claim
from chorus_tui.engine.tasks.board import Board, Task


def claims(board: Board) -> Iterator[Claim]:
    """Of all tasks this peer knows."""
    for task in board.tasks.values():
        if task.announced is not None:
            yield from _of(task)


def _of(task: Task) -> Iterator[Claim]:
    announced = task.announced
    assert announced is not None
    name = f"task {task.key[1]}"
    if announced.spec.repository.startswith("sha256:"):
        yield Claim(
            announced.spec.repository, frozenset({announced.author}), f"repository of {name}", not task.terminal
        )
    for reported in task.said.values():
        needed_by = frozenset({announced.author, reported.author})
        # A result that waits to be confirmed is spread as well: its worker may be gone before.
        counts = reported is task.accepted or reported is task.report
        for digest in digests(reported.result):
            yield Claim(digest, needed_by, f"result of {name}", counts)


def digests(result: TaskResult) -> list[str]:
    """The blobs that a result names."""
    return [f"sha256:{artifact.sha256}" for artifact in result.artifacts] + ([result.log] if result.log else [])
