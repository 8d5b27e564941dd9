"""Evidence: every result that was said is shown once, as what counts or as what does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.tasks import evidence, ids
from chorus_tui.engine.tasks.board import ref
from tests.unit.tasks.boards import MESH, OTHER, WORKER, a_board, apply, decision, entry, granted

TASK = ids.ulid(1.0, b"\1" * 10)
SAID = st.lists(
    st.tuples(st.sampled_from([WORKER, OTHER]), st.integers(1, 3), st.sampled_from(["completed", "failed", "error"])),
    max_size=5,
)
ENDS = ["task_expired", "task_released", "task_accepted", "task_failed", "task_cancelled"]


@given(SAID, st.lists(st.sampled_from(ENDS), max_size=3), st.data())
def test_a_result_is_accepted_or_pending_or_lost_and_never_two_of_them(said, ends, data):
    """Whatever was said and decided: an accepted result is no evidence, and after the end of a task every result by
    somebody who did not hold the attempt is; nothing is listed twice, and each has a reason."""
    board = a_board({TASK: TaskSpec(title="t", commands=["true"])})
    entries = []
    for seq, (who, attempt, outcome) in enumerate(said):
        body = {"task_id": TASK, "attempt": attempt, "result": TaskResult(outcome=outcome).model_dump()}
        entries.append(entry(who, seq, "task_complete", body, epoch=seq + 10))
        apply(board, entries[-1])
    for n, end in enumerate(ends):
        board.decided(granted(board, 2 * n + 2, TASK, attempt=n + 1))
        cited = data.draw(st.sampled_from([None, *entries]))
        extra = {"entry": ref(cited)} if cited and end in ("task_accepted", "task_failed") else {}
        board.decided(decision(2 * n + 3, end, TASK, attempt=n + 1, reason="lost", **extra))
    task = board.tasks[MESH, TASK]
    lost = evidence.lost(task)
    hashes = [one.cite["hash"] for one, _ in lost]

    assert len(set(hashes)) == len(hashes)
    assert task.accepted is None or task.accepted.cite["hash"] not in hashes
    assert all(why for _, why in lost)
    for one in task.said.values():
        if one.author == OTHER.peer_id and one is not task.accepted:
            assert one.cite["hash"] in hashes
