"""Dependencies: nothing is granted before what it needs, and no circle stops anything else."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.tasks import dependencies, ids
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.rules import AdminState, decide
from tests.unit.tasks.boards import EVERYBODY, MESH, PARAMETERS, a_board, agent, an_offer

IDS = [ids.ulid(1.0, bytes([n]) * 10) for n in range(6)]


def graph(edges: dict[int, list[int]], ends: dict[int, str] | None = None, **retries: Any) -> Board:
    """Tasks by number, each with the numbers it depends on; some ended."""
    specs = {IDS[n]: TaskSpec(title=f"t{n}", commands=["true"], depends_on=[IDS[m] for m in edges[n]]) for n in edges}
    return a_board(specs, {IDS[n]: end for n, end in (ends or {}).items()}, **retries)


def granted(board: Board) -> set[int]:
    """What an idle worker with much room gets now."""
    state = AdminState(offers=an_offer(free=99))
    acts = decide(board, MESH, state, [agent(max_tasks=99)], 10.0, PARAMETERS, EVERYBODY)
    return {IDS.index(act.data["task_id"]) for act in acts if act.type_ == "task_granted"}


EDGES = st.fixed_dictionaries({n: st.lists(st.integers(0, 5), max_size=4, unique=True) for n in range(6)})
ENDS = st.dictionaries(st.integers(0, 5), st.sampled_from(["task_accepted", "task_failed", "task_cancelled"]))


@given(EDGES, ENDS)
def test_exactly_those_are_granted_whose_dependencies_are_completed(edges, ends):
    """Whatever the graph, circles included: open tasks with every dependency accepted get a grant, all others none."""
    expected = {n for n in edges if n not in ends and all(ends.get(m) == "task_accepted" for m in edges[n])}

    assert granted(graph(edges, ends)) == expected


@given(EDGES, ENDS)
def test_whoever_is_not_granted_is_told_why(edges, ends):
    """A reason in words for each task that is kept back; a circle and a failed dependency are named as such."""
    board = graph(edges, ends)
    for n in set(edges) - set(ends):
        text, task = dependencies.obstacle(board.tasks[MESH, IDS[n]], board), board.tasks[MESH, IDS[n]]
        left = [m for m in edges[n] if ends.get(m) != "task_accepted"]

        assert bool(text) == bool(left)
        if dependencies.cycle(task, board):
            assert text.startswith("it waits for itself")
        elif any(m in ends for m in left):
            assert "failed" in text or "was cancelled" in text


@given(EDGES, ENDS)
def test_a_circle_is_a_way_back_to_its_beginning(edges, ends):
    """What is named as a circle is one, and of open tasks only; and there is one exactly when such a way exists."""
    board = graph(edges, ends)
    for n in set(edges) - set(ends):
        circle = [IDS.index(key[1]) for key in dependencies.cycle(board.tasks[MESH, IDS[n]], board)]
        reached, todo = set(), [n]
        while todo:
            for m in edges[todo.pop()]:
                if m not in reached and m not in ends:
                    reached.add(m)
                    todo.append(m)

        assert bool(circle) == (n in reached)
        assert all(b in edges[a] and b not in ends for a, b in itertools.pairwise(circle))


def test_at_the_door_unknown_own_and_circular_ones_are_refused_with_their_field():
    """Each wrong dependency is named by its place; the good one is not."""
    board = graph({0: [], 1: [5]})

    wrong = dependencies.faults(IDS[5], [IDS[0], IDS[5], IDS[3], IDS[1]], board, MESH)

    assert set(wrong) == {"spec.depends_on[1]", "spec.depends_on[2]", "spec.depends_on[3]"}
    assert "itself" in wrong["spec.depends_on[1]"]
    assert IDS[3] in wrong["spec.depends_on[2]"]
    assert "wait for each other" in wrong["spec.depends_on[3]"]


def test_a_dependency_named_twice_is_no_task():
    """The contract refuses it with its place."""
    with pytest.raises(ValidationError, match=r"depends_on\[1\]"):
        TaskSpec(title="t", commands=["true"], depends_on=[IDS[0], IDS[0]])


def test_an_unknown_dependency_blocks_until_it_is_here_and_completed():
    """An announcement may overtake the one it names."""
    board = graph({1: [0]})

    assert granted(board) == set()
    assert "not here yet" in dependencies.obstacle(board.tasks[MESH, IDS[1]], board)


@pytest.mark.parametrize(("same", "expected"), [(True, {2}), (False, set())])
def test_a_retry_does_for_a_failed_dependency_only_when_it_asks_for_the_same(same, expected):
    """Nobody can meet another's dependency with an easier task."""
    board = graph({0: [], 2: [0]}, {0: "task_failed"})
    spec = TaskSpec(title="t0", commands=["true" if same else "echo easy"])
    a_board({IDS[1]: spec}, {IDS[1]: "task_accepted"}, board=board, retry_of=IDS[0])

    assert granted(board) == expected
