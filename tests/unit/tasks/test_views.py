"""What readers see of a task: states in words, never more than is known."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.tasks import ids, views
from chorus_tui.engine.tasks.board import Board
from tests.unit.tasks import boards
from tests.unit.tasks.boards import MESH, OTHER, WORKER, a_board, apply, entry

TASK = ids.ulid(1.0, b"\1" * 10)
KEY = (MESH, TASK)


def granted(**fields: object) -> Board:
    """A task that the worker holds, attempt 1."""
    board = a_board({TASK: TaskSpec(title="t", commands=["true"])})
    board.decided(boards.granted(board, 2, TASK, **fields))
    return board


def seen(board: Board, phase: views.Phase | None = None, *, admin: bool = True) -> tuple[str, str]:
    """State and detail."""
    phases = {KEY: phase} if phase else {}
    around = views.Surroundings(
        board, MESH, 10.0, lambda who: f"<{who}>", lambda _task: "because", phases, lambda _who, _announcer: True, admin
    )
    return views.state_of(board.tasks[KEY], around)


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (views.Phase(WORKER.peer_id, 1, "running", ""), "running"),
        (views.Phase(OTHER.peer_id, 1, "running", ""), "granted"),
        (views.Phase(WORKER.peer_id, 2, "running", ""), "granted"),
        (None, "granted"),
    ],
    ids=["the holder's", "another's", "of another attempt", "none"],
)
def test_only_the_holders_phase_of_the_present_attempt_is_shown(phase, expected):
    """What others say of it, or what was said of another attempt, changes nothing."""
    assert seen(granted(), phase)[0] == expected


def test_without_an_admin_each_state_says_what_that_means():
    """Running: it goes on. Result in: it waits. By hand as well."""
    running = views.Phase(WORKER.peer_id, 1, "running", "")
    board = granted()
    assert seen(board, running, admin=False) == ("running", views.GOES_ON)
    assert seen(granted(by_hand=True), admin=False)[1].endswith(views.GOES_ON)
    result = {"task_id": TASK, "attempt": 1, "result": TaskResult(outcome="completed").model_dump()}
    apply(board, entry(WORKER, 0, "task_complete", result))

    assert seen(board, running) == ("result_in", views.RESULT_IN)
    assert seen(board, running, admin=False) == ("result_in", views.RESULT_WAITS)


def test_work_by_hand_is_running_and_names_its_worker():
    """No sandbox phase is made up for it."""
    assert seen(granted(by_hand=True)) == ("running", f"by hand: <{WORKER.peer_id}> works on it")


@pytest.mark.parametrize("hlc", ["9" * 400 + ":0:x", "9" * 15, "x", "", "-5:0:x"])
@pytest.mark.parametrize("lease", ["nan", "9" * 400, -1, None, [60], 10**30])
def test_what_an_admin_writes_of_times_breaks_no_view(hlc, lease):
    """A member that leads may write any text as the time of an entry, and anything as a lease: the entry counts for every peer alike, the task
    is shown, and its lease has an end."""
    board = a_board({TASK: TaskSpec(title="t", commands=["true"])})
    board.decided(replace(boards.granted(board, 2, TASK, lease_s=lease), hlc=hlc))
    around = views.Surroundings(
        board, MESH, 10.0, lambda who: f"<{who}>", lambda _task: "because", {}, lambda _who, _announcer: True, True
    )
    running = views.view(board.tasks[KEY], around, {})
    assert 1.0 <= board.tasks[KEY].grants[0].lease_s <= 3600.0
    board.decided(replace(boards.decision(3, "task_failed", TASK, attempt=1, reason="no"), hlc=hlc))
    ended = views.view(board.tasks[KEY], around, {})

    assert (running.state, ended.state) == ("granted", "failed")
    assert time.gmtime(ended.attempts[0].granted_at)
    assert json.loads(ended.model_dump_json())["seconds"] is not None
