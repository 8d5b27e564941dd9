"""Who gets what, and in which order: roles, expertise, priorities, attempts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.tasks import ids, routing
from chorus_tui.engine.tasks.rules import RANK, AdminState, decide
from chorus_tui.engine.tasks.waiting import waiting_for
from tests.unit.tasks.boards import (
    EVERYBODY,
    MESH,
    OTHER,
    PARAMETERS,
    WORKER,
    a_board,
    accepted,
    agent,
    an_offer,
    decision,
    granted,
)

NAMES = st.sampled_from(["", "developer", "Developer", "reviewer", "ops"])
AREAS = st.lists(st.sampled_from(["python", "Python", "go", "rust"]), max_size=3, unique=True)
IDS = [ids.ulid(1.0, bytes([n]) * 10) for n in range(12)]


def spec(**fields: object) -> TaskSpec:
    return TaskSpec(title="t", commands=["true"], **fields)  # type: ignore[arg-type]


@given(NAMES, AREAS, NAMES, AREAS)
def test_a_grant_goes_only_to_whom_the_mesh_gave_role_and_expertise(wanted, areas, role, knows):
    """Granted exactly when the role is the one asked for and one area is shared, in the sense of their topics."""
    board = a_board({IDS[0]: spec(role=wanted, expertise=areas)})
    worker = agent(role=role, expertise=tuple(knows))
    lower = {topics.part(area) for area in knows}
    expected = (not wanted or (role != "" and topics.part(role) == topics.part(wanted))) and (
        not areas or any(topics.part(area) in lower for area in areas)
    )

    acts = decide(board, MESH, AdminState(offers=an_offer()), [worker], 10.0, PARAMETERS, EVERYBODY)

    assert [act.type_ for act in acts] == (["task_granted"] if expected else [])
    assert bool(routing.lacking(spec(role=wanted, expertise=areas), [worker])) == (not expected)


@given(st.lists(NAMES, min_size=1, max_size=3), NAMES, AREAS)
def test_what_nobody_has_is_named_and_nothing_else(roles, wanted, areas):
    """The words name the role only when no agent has it, and never an area that somebody of that role knows."""
    agents = [agent(role=role, expertise=("go",)) for role in roles]
    task = spec(role=wanted, expertise=areas)
    text = routing.lacking(task, agents)

    assert ("role" in text) == (bool(text) and not any(routing.has_role(task, role) for role in roles))
    assert text.startswith("nobody in reach fits: needs ") or not text
    assert not text.endswith(("needs ", "and "))


def test_the_reason_on_the_board_says_which_role_is_missing():
    """The very words a person reads."""
    board = a_board({IDS[0]: spec(role="gpu", expertise=["cuda"])})

    text = waiting_for(board.tasks[MESH, IDS[0]], board, [agent(role="developer")], admin=True)

    assert text == "nobody in reach fits: needs role gpu and expertise cuda"


@given(st.lists(st.sampled_from(sorted(RANK)), min_size=1, max_size=12), st.permutations(range(12)))
def test_urgent_goes_before_low_and_age_decides_within_a_level(priorities, clocks):
    """With room for one at a time: levels in order, and within a level in the order the admin saw them, whatever the
    announcers' clocks say. So nobody waits for ever behind later ones of the same level."""
    board, state, order = a_board({}), AdminState(offers=an_offer()), []
    for n, priority in enumerate(priorities):
        # Each comes from a clock of its own: ``at_ms`` is the announcer's word, here in any order.
        a_board({IDS[n]: spec(priority=priority)}, board=board)
        announced = board.tasks[MESH, IDS[n]].announcements
        board.tasks[MESH, IDS[n]].first = replace(next(iter(announced.values())), at_ms=clocks[n])
        decide(board, MESH, state, [], float(n), PARAMETERS, EVERYBODY)
    for n in range(len(priorities)):
        state.offers = an_offer(at=100.0 + n)
        acts = decide(board, MESH, state, [agent()], 100.0 + n, PARAMETERS, EVERYBODY)
        (task_id,) = [act.data["task_id"] for act in acts]
        order.append(IDS.index(task_id))
        board.decided(granted(board, 2 * n + 2, task_id))
        board.decided(accepted(board, 2 * n + 3, task_id))

    assert order == sorted(range(len(priorities)), key=lambda n: (RANK[priorities[n]], n))


@given(st.integers(1, 10), st.lists(st.sampled_from(["task_released", "task_expired"]), min_size=12, max_size=12))
def test_there_are_never_more_attempts_than_asked_for(most, ends):
    """However attempts are lost: after the last one the task fails, with the number of attempts in its reason."""
    board, state, attempts, index = a_board({IDS[0]: spec(max_attempts=most)}), AdminState(), 0, 1
    for n, end in enumerate(ends):
        state.offers = an_offer(at=10.0 + n)
        for act in decide(board, MESH, state, [agent()], 10.0 + n, PARAMETERS, EVERYBODY):
            index += 1
            data = {k: v for k, v in act.data.items() if k != "task_id"}
            board.decided(decision(index, act.type_, IDS[0], request=act.request, **data))
            attempts += act.type_ == "task_granted"
        if not board.tasks[MESH, IDS[0]].terminal:
            index += 1
            board.decided(decision(index, end, IDS[0], attempt=attempts, reason="lost"))

    assert attempts == most
    assert board.tasks[MESH, IDS[0]].terminal == "failed"
    assert f"{most} of {most} attempts" in board.tasks[MESH, IDS[0]].terminal_reason


@pytest.mark.parametrize(("role", "expected"), [("ops", OTHER.peer_id), ("dev", WORKER.peer_id)])
def test_a_busy_worker_of_the_right_role_is_waited_for(role, expected):
    """An idle worker of another role gets nothing meanwhile; the words say what is waited for."""
    board = a_board({IDS[0]: spec(role=role), IDS[1]: spec(role=role)})
    agents = [agent(WORKER, role="dev", running=1), agent(OTHER, role="ops", running=1)]
    offers = an_offer(WORKER) | an_offer(OTHER)

    acts = decide(board, MESH, AdminState(offers=offers), agents, 10.0, PARAMETERS, EVERYBODY)

    assert [act.data["worker"] for act in acts] == [expected]
    board.decided(granted(board, 2, IDS[0], expected))
    assert "busy" in waiting_for(board.tasks[MESH, IDS[1]], board, agents, admin=True)
