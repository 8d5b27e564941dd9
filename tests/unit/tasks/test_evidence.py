"""Evidence: every result that was said is shown once, as what counts or as what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.tasks import evidence, ids
from chorus_tui.engine.tasks.board import ref
from tests.unit.tasks.boards import MESH, OTHER, WORKER, a_board, accepted, apply, decision, entry, granted

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


OF_ANOTHER = {"author": OTHER.peer_id, "epoch": "0" * 8, "seq": 1, "hash": "1" * 64}
WITH_CHECKS = TaskSpec(title="t", commands=["true"], checks=["true"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempt": 2}, {"worker": OTHER}, {"entry": OF_ANOTHER}, {"entry": None}, {"check": OF_ANOTHER},
        {"check": "passed"}, None,
    ],
    ids=str,
)  # fmt: skip
def test_an_acceptance_of_anything_but_the_grant_that_holds_decides_nothing(wrong):
    """Of another attempt, worker or result, by a check that nobody was asked for, or without any grant (None): the task goes on, and
    its holder's own result can still be accepted."""
    board = a_board({TASK: TaskSpec(title="t", commands=["true"])})
    if wrong is not None:
        board.decided(granted(board, 2, TASK))
    board.decided(accepted(board, 3, TASK, **(wrong or {})))
    task = board.tasks[MESH, TASK]
    assert (task.terminal, task.accepted_cite, task.check_cite) == ("", None, None)

    if wrong is None:
        board.decided(granted(board, 4, TASK))
    board.decided(accepted(board, 5, TASK))
    assert task.terminal == "completed"


@pytest.mark.parametrize("outcome", ["completed", "failed", "error", "budget_exhausted"])
def test_a_result_that_says_otherwise_makes_no_task_done(outcome):
    """An admin that accepts it all the same is told: nothing but its word says so."""
    board = a_board({TASK: TaskSpec(title="t", commands=["true"])})
    body = {"task_id": TASK, "attempt": 1, "result": TaskResult(outcome=outcome).model_dump()}
    said = entry(WORKER, 1, "task_complete", body)
    board.decided(granted(board, 2, TASK))
    board.decided(accepted(board, 3, TASK, entry=ref(said)))
    assert evidence.unproven(board.tasks[MESH, TASK]) == "", "what is not here yet says nothing"

    apply(board, said)
    assert evidence.unproven(board.tasks[MESH, TASK]) == (
        "" if outcome == "completed" else f"its worker says {outcome}"
    )


@pytest.mark.parametrize("verdict", ["passed", "failed", "error", "none", "of another result"])
def test_checks_that_did_not_pass_make_no_task_done(verdict):
    """A task that asks for checks and was accepted without them, or with others' outcome, is told as the admin's word alone."""
    board = a_board({TASK: WITH_CHECKS})
    result = {"author": WORKER.peer_id, "epoch": "0" * 8, "seq": 3, "hash": f"{3:064x}"}
    about = "f" * 64 if verdict == "of another result" else result["hash"]
    said = {
        "task_id": TASK, "attempt": 1, "result": about, "verdict": verdict if verdict in ("failed", "error") else "passed",
        "checks": [], "detail": "",
    }  # fmt: skip
    check = entry(OTHER, 1, "task_checked", said)
    apply(board, check)
    board.decided(granted(board, 2, TASK))
    data = {"attempt": 1, "checker": OTHER.peer_id, "lease_s": 60, "result_hash": result["hash"]}
    board.decided(decision(3, "task_check_granted", TASK, **data))
    board.decided(accepted(board, 4, TASK, entry=result, **({} if verdict == "none" else {"check": ref(check)})))

    task = board.tasks[MESH, TASK]
    assert task.terminal == "completed"
    assert bool(evidence.unproven(task)) == (verdict != "passed")
