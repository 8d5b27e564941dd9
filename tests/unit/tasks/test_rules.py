"""The rules of tasks: whatever arrives in whatever order, a task ends once, and limits hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.protocol import envelope, messages
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.tasks import ids
from chorus_tui.engine.tasks.acts import AdminState, May
from chorus_tui.engine.tasks.board import Board, ref
from chorus_tui.engine.tasks.routing import Agent, Offer
from chorus_tui.engine.tasks.rules import decide

MESH = "a" * 64
TASK = ids.ulid(1.0, b"\1" * 10)
ME, WORKER, OTHER = (Identity(bytes([n]) * 32) for n in (1, 2, 3))
PARAMETERS = {"lease_s": 60.0, "expiry_grace_s": 5.0, "offer_window_s": 0.0}
EVERYBODY = May(lambda _who: True, lambda _who, _announcer: True)


def said(who: Identity, seq: int, type_: str, **data: Any) -> Entry:
    body = envelope.make(type_, who.peer_id, {"task_id": TASK, "mesh_id": MESH, **data}, 1e9)
    return envelope.seal(
        body,
        "CHORUS/coordination/v1",
        who,
        epoch="0" * 32,
        seq=seq,
        prev=None if seq == 0 else "0" * 64,
        hlc=f"{seq}:0:x",
    )


ANNOUNCED = said(ME, 0, "task_announcement", spec=TaskSpec(title="t", commands=["true"]).model_dump())


def result(who: Identity, seq: int, attempt: int = 1, outcome: str = "completed") -> Entry:
    return said(who, seq, "task_complete", attempt=attempt, result=TaskResult(outcome=outcome).model_dump())  # type: ignore[arg-type]


def decided(index: int, type_: str, *, cites: Entry | None = None, **data: Any) -> ControlEntry:
    data, request = {"task_id": TASK, **data}, ref(cites) if cites else None
    return ControlEntry(MESH, 1, index, f"{index}:0:x", type_, data, request, ME.peer_id, b"", "", f"{index:064x}")


def fold(feed: list[Entry], control: list[ControlEntry]) -> Board:
    board = Board()
    for entry in feed:
        message = messages.check(entry.type, entry.data)
        assert message is not None
        board.apply(entry, message)
    for entry in control:
        board.decided(entry)
    return board


FEED = [
    ANNOUNCED,
    said(WORKER, 0, "task_claim", attempt=1, agent_id="w"),
    result(WORKER, 1),
    result(OTHER, 0),
    result(WORKER, 2, outcome="failed"),
]
LOG = [
    decided(2, "task_granted", cites=ANNOUNCED, attempt=1, worker=WORKER.peer_id, lease_s=60),
    decided(3, "task_accepted", attempt=1, worker=WORKER.peer_id, entry=ref(FEED[2])),
]


@given(st.permutations(FEED), st.lists(st.sampled_from(FEED), max_size=3))
def test_the_board_does_not_depend_on_the_order_of_feeds(order, repeats):
    """Any order, any repetition: the same state, the same accepted result, the very one the mesh named."""
    task = fold([*order, *repeats], LOG).find(TASK)
    assert task is not None
    assert task.accepted is not None

    assert task.terminal == "completed"
    assert task.accepted.cite == ref(FEED[2])
    assert task.grants[0].ended == "accepted"


@given(
    st.lists(
        st.sampled_from(
            ["task_accepted", "task_failed", "task_cancelled", "task_released", "task_expired", "task_granted"]
        ),
        min_size=1,
    )
)
def test_the_first_end_stands_for_ever(types):
    """Whatever is decided after the first terminal entry changes nothing; there is never more than one grant at once."""
    board = fold([ANNOUNCED], [])
    ended = ""
    for n, type_ in enumerate(types):
        board.decided(decided(n + 2, type_, cites=ANNOUNCED, attempt=n + 1, worker=WORKER.peer_id))
        task = board.find(TASK)
        assert task is not None
        if not ended and task.terminal:
            ended = task.terminal
        assert task.terminal == ended
        assert sum(not grant.ended for grant in task.grants) <= (0 if ended else 1)


def agent(who: Identity, **fields: Any) -> Agent:
    return Agent(who.peer_id, "w", live=True, docker=True, **{"max_tasks": 1, **fields})


def acts(
    board: Board, *agents: Agent, now: float = 10.0, state: AdminState | None = None, may: May = EVERYBODY
) -> list[str]:
    state = state or AdminState()
    for one in agents:
        state.offers[one.peer_id] = Offer(one.peer_id, 9, (), now)
    return [act.type_ for act in decide(board, MESH, state, list(agents), now, PARAMETERS, may)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, ["task_granted"]), ({"max_tasks": 0}, []), ({"draining": True}, []), ({"live": False}, [])],
)
def test_only_a_live_worker_with_room_is_granted(fields, expected):
    """Its limit counts, not what its offer says; a draining or absent one gets nothing."""
    one = agent(WORKER)
    shown = Agent(**{**{f: getattr(one, f) for f in Agent.__slots__}, **fields})

    assert acts(fold([ANNOUNCED], []), shown) == expected


def test_an_announcer_without_authority_and_a_cancelled_task_get_no_grant():
    """Nothing is granted to whom the mesh does not let announce, nor in the round that cancels."""
    nobody = May(lambda _who: False, lambda _who, _announcer: True)
    cancel = said(ME, 1, "task_cancel_request")

    assert acts(fold([ANNOUNCED], []), agent(WORKER), may=nobody) == []
    assert acts(fold([ANNOUNCED, cancel], []), agent(WORKER)) == ["task_cancelled"]


def test_a_result_counts_only_from_the_holder_of_the_grant():
    """Another's result is evidence and no more; the holder's is accepted, a failed one fails, an error is released."""
    grant = LOG[:1]

    assert acts(fold([ANNOUNCED, result(OTHER, 0)], grant), agent(WORKER)) == []
    for outcome, act in (
        ("completed", "task_accepted"),
        ("failed", "task_failed"),
        ("budget_exhausted", "task_budget_exhausted"),
        ("error", "task_released"),
    ):
        assert acts(fold([ANNOUNCED, result(WORKER, 1, outcome=outcome)], grant), agent(WORKER)) == [act]


def test_a_lease_expires_only_after_it_and_the_grace_and_a_new_admin_gives_a_full_one():
    """The clock starts when this admin first sees the grant."""
    board, state = fold([ANNOUNCED], LOG[:1]), AdminState()

    assert acts(board, now=1000.0, state=state) == []
    assert acts(board, now=1064.9, state=state) == []
    assert acts(board, now=1065.0, state=state) == ["task_expired"]


def test_nobody_can_lead_a_task_astray():
    """A continuation counts only under the id that anybody would give it."""
    old = "b" * 64
    true_id = ids.continued(old, TASK)
    for task_id, follows in ((true_id, True), (ids.ulid(2.0, b"\2" * 10), False)):
        data = {**ANNOUNCED.data, "task_id": task_id, "continues": TASK, "continues_mesh": old}
        body = envelope.make("task_announcement", OTHER.peer_id, data, 1e9)
        entry = envelope.seal(body, "CHORUS/coordination/v1", OTHER, epoch="0" * 32, seq=0, prev=None, hlc="1:0:x")

        assert ((old, TASK) in fold([entry], []).continued) == follows
