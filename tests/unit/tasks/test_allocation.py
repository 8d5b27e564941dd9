"""Why a worker has a task: what the admin tells, who is believed, and the words people read."""

from __future__ import annotations

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import Allocation, AllocationCandidate
from chorus_tui.engine.protocol import canonical, messages
from chorus_tui.engine.tasks import allocation
from chorus_tui.engine.tasks.acts import AdminState
from chorus_tui.engine.tasks.routing import WEIGHTS, Offer
from chorus_tui.engine.tasks.rules import decide
from chorus_tui.telling.task import reasons
from tests.unit.tasks import boards
from tests.unit.tasks.boards import (
    EVERYBODY,
    ME,
    MESH,
    OTHER,
    PARAMETERS,
    WORKER,
    a_board,
    agent,
    apply,
    entry,
)

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FA1"


def granted(*agents):
    """The grant of one task among these, each with room for two."""
    board = a_board({TASK: TaskSpec(title="t", commands=["true"], language="go")})
    offers = {one.peer_id: Offer(one.peer_id, 2, one.languages, 10.0) for one in agents}
    (act,) = decide(board, MESH, AdminState(offers=offers), list(agents), 11.0, PARAMETERS, EVERYBODY)
    return board, act


def test_the_parts_make_the_score_and_the_best_has_the_task():
    """Weighed, the parts of each candidate are its score; the first is the one granted; it is small and valid on the wire."""
    _, act = granted(agent(WORKER, languages=("go",), max_tasks=2), agent(OTHER, max_tasks=2))
    told = act.because

    assert messages.check("work_allocation", told) is not None
    assert (
        [one["peer_id"] for one in told["candidates"]]
        == [act.data["worker"], OTHER.peer_id]
        == [WORKER.peer_id, OTHER.peer_id]
    )
    for one in told["candidates"]:
        assert abs(sum(WEIGHTS[name] * part for name, part in one["parts"].items()) - one["score"]) < 1e-3
    assert told["candidates"][0]["score"] > told["candidates"][1]["score"]
    assert len(canonical.encode(told)) < 2_000
    assert told["reason"] == "the best of 2 with room"


def test_only_the_admin_that_made_the_grant_is_believed():
    """What anybody else says of it, or of another attempt or worker, is not shown."""
    board, act = granted(agent(WORKER, max_tasks=2))
    board.decided(boards.granted(board, 2, TASK))
    task = board.tasks[MESH, TASK]
    apply(board, entry(OTHER, 0, "work_allocation", {**act.because, "reason": "a lie"}))
    apply(board, entry(ME, 1, "work_allocation", {**act.because, "attempt": 2, "reason": "another attempt"}))
    before = allocation.of_grant(task, task.grants[0], str)
    apply(board, entry(ME, 2, "work_allocation", act.because))
    after = allocation.of_grant(task, task.grants[0], str)

    assert before is None
    assert after is not None and after.reason == "the only one with room"


def test_the_reasons_are_words_for_people():
    """The chosen one first, each term weighed, in the order of the weights."""
    parts = {"fit": 1.0, "expertise": 0.5, "room": 0.5, "record": 0.5}
    why = Allocation(
        weights=WEIGHTS,
        candidates=[
            AllocationCandidate(peer_id="1", name="ada", score=0.675, parts=parts),
            AllocationCandidate(peer_id="2", name="grace", score=0.61, parts={**parts, "fit": 0.8}),
        ], reason="the best of 2 with room",
    )  # fmt: skip

    assert reasons(why) == (
        "ada 0.68 = fit 0.35 + expertise 0.12 + room 0.10 + record 0.10; "
        "grace 0.61: fit 0.28 + expertise 0.12 + room 0.10 + record 0.10; the best of 2 with room"
    )
