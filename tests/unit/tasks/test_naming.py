"""Which blobs the tasks name, and that a result is held elsewhere before it is said."""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.models.task_result import Artifact, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.journal.interface import Copies
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.naming import digests, named_blobs
from chorus_tui.engine.tasks.run import replicated
from tests.unit.tasks.boards import ME, WORKER, a_board, apply, decision, entry, granted

FILE, LOG, BUNDLE = ("sha256:" + digit * 64 for digit in "abc")
RESULT = TaskResult(
    outcome="completed", log=LOG, output_bytes=9, artifacts=[Artifact(path="x", size=5, sha256=FILE.removeprefix("sha256:"))]
)  # fmt: skip
TASK = "0" * 26
MAKERS = frozenset({ME.peer_id, WORKER.peer_id})


def reported(ends: str = "") -> Board:
    """A task with a repository and a result, ended or not."""
    board = a_board({TASK: TaskSpec(title="t", commands=["true"], repository=BUNDLE)})
    said = entry(WORKER, 1, "task_complete", {"task_id": TASK, "attempt": 1, "result": RESULT.model_dump()})
    apply(board, said)
    if ends:
        cite = {"author": WORKER.peer_id, "epoch": said.header.epoch, "seq": 1, "hash": said.hash}
        board.decided(granted(board, 2, TASK))
        board.decided(decision(3, ends, TASK, attempt=1, worker=WORKER.peer_id, entry=cite))
    return board


def rows(board: Board) -> dict[str, tuple[int | None, frozenset[str], bool]]:
    return {named.digest: (named.size, named.by, named.record) for named in named_blobs(board)}


def test_an_open_task_keeps_what_it_needs_and_what_was_made() -> None:
    """The repository by its announcer, log and files by worker and announcer; none of it is a record yet."""
    assert rows(reported()) == {
        BUNDLE: (None, frozenset({ME.peer_id}), False), FILE: (5, MAKERS, False), LOG: (9, MAKERS, False)
    }  # fmt: skip


def test_an_accepted_result_is_a_record_and_the_rest_may_go() -> None:
    """Log and files become the mesh's record; the repository of the ended task is named no more."""
    assert rows(reported("task_accepted")) == {FILE: (5, MAKERS, True), LOG: (9, MAKERS, True)}


def test_a_cancelled_task_names_nothing() -> None:
    """What was not accepted need not be kept."""
    board = reported()
    board.decided(decision(2, "task_cancelled", TASK, reason="not needed"))

    assert rows(board) == {}


async def test_a_result_says_how_many_hold_its_files() -> None:
    """Everything a result names is offered before it is said; the count that came back stands in it, also a zero. A
    result without files says nothing of copies."""
    offered: list[Any] = []

    class Others:
        def __init__(self, count: int) -> None:
            self.count = count

        async def replicate(self, named: list[str]) -> Copies:
            offered.append(named)
            return Copies(self.count, 3)

    two, none = await replicated(Others(2), RESULT), await replicated(Others(0), RESULT)  # type: ignore[arg-type]  # the one method used
    bare = await replicated(Others(2), TaskResult(outcome="failed"))  # type: ignore[arg-type]  # as above

    assert (two.held_by, none.held_by, bare.held_by) == (2, 0, None)
    assert offered == [list(digests(RESULT))] * 2
