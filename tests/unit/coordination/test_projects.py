"""Where a project stands, counted from its tasks; whose word of it counts."""

from __future__ import annotations

from typing import Any

import pytest

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.clock import Ages
from chorus_tui.engine.control.leaders import Leaders
from chorus_tui.engine.coordination import projects
from chorus_tui.engine.coordination.projects import Projects
from chorus_tui.engine.protocol.messages.roles import ProjectUpdate
from tests.unit.tasks.boards import ME, MESH, OTHER, a_board, decision, entry

IDS = [f"01ARZ3NDEKTSV4RRFFQ69G5F{n:02d}" for n in range(6)]


def spec(**fields: Any) -> TaskSpec:
    return TaskSpec(**{"title": "t", "commands": ["true"], "project_id": "web", **fields})


@pytest.mark.parametrize(
    ("ends", "phase", "completion", "counts"),
    [
        ([], "planning", 0, (3, 0, 0)), (["task_accepted"], "working", 33, (2, 1, 0)),
        (["task_accepted", "task_failed"], "working", 33, (1, 1, 1)), (["task_accepted"] * 3, "done", 100, (0, 3, 0)),
        (["task_accepted", "task_cancelled", "task_cancelled"], "done", 100, (0, 1, 0)),
        (["task_accepted", "task_accepted", "task_budget_exhausted"], "blocked", 66, (0, 2, 1)),
    ],
)  # fmt: skip
def test_a_project_is_counted_from_its_tasks(ends, phase, completion, counts):
    """Of all that was announced and not cancelled; other projects do not matter."""
    board = a_board(dict.fromkeys(IDS[:3], spec()), dict(zip(IDS, ends, strict=False)))
    a_board({IDS[5]: spec(project_id="other")}, board=board)

    found = projects.standing(board, MESH, "web", 1)

    assert (found.phase, found.completion, (found.open, found.done, found.failed)) == (phase, completion, counts)


def test_what_waits_for_what_failed_blocks_and_a_new_try_counts_once():
    """The blockers say why; a failed task that is tried again is no failure any more."""
    board = a_board({IDS[0]: spec(title="first")}, {IDS[0]: "task_failed"})
    a_board({IDS[1]: spec(title="second", depends_on=[IDS[0]])}, board=board)
    stuck = projects.standing(board, MESH, "web", 1)
    a_board({IDS[2]: spec(title="first")}, board=board, retry_of=IDS[0])
    again = projects.standing(board, MESH, "web", 1)

    assert (stuck.phase, stuck.failed) == ("blocked", 1)
    assert [text.split(":")[0] for text in stuck.blockers] == ["“second”", "“first” failed"]
    assert (again.phase, again.failed, again.open) == ("planning", 0, 2)


def test_only_an_admin_of_that_term_says_where_a_project_stands():
    """The newest of those counts; anybody else, and a term that the author did not lead, counts for nothing."""
    leaders = Leaders()
    leaders.apply(decision(1, "note", IDS[0]))
    told = Projects(leaders.led)
    for seq, (who, term, done) in enumerate([(ME, 1, 1), (ME, 1, 2), (OTHER, 1, 9), (OTHER, 2, 8)]):
        message = ProjectUpdate(project_id="web", mesh_id=MESH, phase="working", completion=0, done=done, term=term)
        told.apply(entry(who, seq, "project_update", message.model_dump()), message)

    newest = told.newest(MESH, "web")
    assert newest is not None and (newest.author, newest.said.done) == (ME.peer_id, 2)
    assert [one.said.done for one in told.of_mesh(MESH)] == [2]
    assert not leaders.led(ME.peer_id, MESH, 2) and not leaders.led(ME.peer_id, "b" * 64, 1)


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.wall_s, self.monotonic_s = 1000.0, 0.0

    def wall(self) -> float:
        return self.wall_s

    def monotonic(self) -> float:
        return self.monotonic_s


def test_a_clock_that_jumps_neither_ends_a_wait_nor_prolongs_it():
    """The wall clock counts until it is first asked; from then on monotonic time does; never less than nothing."""
    hands = Hands()
    ages = Ages(hands)

    assert ages.age("a", 990.0) == 10.0
    hands.wall_s, hands.monotonic_s = 1e9, 5.0
    assert ages.age("a", 990.0) == 15.0
    hands.wall_s = 0.0
    assert (ages.age("a", 990.0), ages.age("b", 990.0)) == (15.0, 0.0)
