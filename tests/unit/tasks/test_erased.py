"""What a task shows after a text about it was erased, whichever peer looks and whenever it heard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.tasks import erased, views
from chorus_tui.engine.tasks.board import Board, ref
from tests.unit.tasks.boards import ME, MESH, WORKER, a_board, apply, decision, entry

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SECRET = "what nobody may read"
ANNOUNCED = entry(
    ME, 0, "task_announcement", {"task_id": TASK, "spec": TaskSpec(title=SECRET, commands=[SECRET]).model_dump()}
)
RESULT = entry(
    WORKER,
    0,
    "task_complete",
    {"task_id": TASK, "attempt": 1, "result": {"outcome": "completed", "output_tail": SECRET}},
)


def erasing(index: int, one: Entry) -> ControlEntry:
    data = {**ref(one), "about": erased.about(one)}
    return ControlEntry(MESH, 1, index, f"{index}:0:x", "body_erased", data, None, ME.peer_id, b"", "", f"{index:064x}")


GRANTED = decision(2, "task_granted", TASK, request=ref(ANNOUNCED), attempt=1, worker=WORKER.peer_id)
ACCEPTED = decision(3, "task_accepted", TASK, attempt=1, worker=WORKER.peer_id, entry=ref(RESULT))


def shown(board: Board) -> dict[str, Any]:
    around = views.Surroundings(
        board, MESH, 1e9, lambda who: who or "", lambda _task: "", {}, lambda _who, _announcer: True
    )
    return views.view(board.tasks[MESH, TASK], around, {}).model_dump()


def forgetful(gone: list[Entry]) -> Board:
    """A board of a peer that had everything and then heard of the decisions."""
    board = Board()
    said = [ANNOUNCED, RESULT]
    for one in said:
        apply(board, one)
    for one in (GRANTED, ACCEPTED, *(erasing(4 + n, one) for n, one in enumerate(gone))):
        board.decided(one)
    board.reset()
    for one in said:
        if one not in gone:
            apply(board, one)
    return board


def late(gone: list[Entry]) -> Board:
    """A board of a peer that never had the texts."""
    board = Board()
    for one in (GRANTED, ACCEPTED, *(erasing(4 + n, one) for n, one in enumerate(gone))):
        board.decided(one)
    for one in (ANNOUNCED, RESULT):
        if one not in gone:
            apply(board, one)
    return board


@pytest.mark.parametrize("gone", [[ANNOUNCED], [RESULT], [ANNOUNCED, RESULT]], ids=["task", "result", "both"])
def test_the_text_is_gone_and_the_decisions_stand(gone: list[Entry]) -> None:
    """A task whose announcement or result was erased is still completed by its worker; a peer that had the text and one
    that never had it show the same."""
    one, other = shown(forgetful(gone)), shown(late(gone))

    assert one == other
    assert (one["state"], one["attempts"][0]["ended"]) == ("completed", "accepted")
    assert sorted(said["type"] for said in one["erased"]) == sorted(said.type for said in gone)
    assert (SECRET in str(one)) == (len(gone) == 1)
    assert (one["title"] == erased.WORD) == (ANNOUNCED in gone)
    assert (one["result"] is None) == (RESULT in gone)


def test_the_text_goes_from_the_row_with_the_decision() -> None:
    """Before the disk has followed no screen shows the title any more."""
    board = a_board({TASK: TaskSpec(title=SECRET, commands=["true"])})
    task = board.tasks[MESH, TASK]
    board.decided(
        erasing(9, entry(ME, 0, "task_announcement", {"task_id": TASK, "spec": task.announced.spec.model_dump()}))
    )

    assert task.announced.spec.title == erased.WORD


def test_what_a_member_says_it_erased_takes_nothing_from_anothers() -> None:
    """An entry that never was, of another author but with the same hash, does not take the place of one that was erased."""
    gone, other = erasing(5, ANNOUNCED), {**ref(ANNOUNCED), "author": WORKER.peer_id, "about": erased.about(RESULT)}
    board = Board()
    board.decided(gone)
    board.decided(replace(erasing(6, ANNOUNCED), data=other))
    board.reset()

    (kept,) = board.tasks[MESH, TASK].announcements.values()
    assert kept.author == ME.peer_id


def test_two_erased_tasks_never_ask_for_the_same() -> None:
    """One does not do for the other as a dependency: what they asked for is not known any more."""
    other = TASK[:-1] + "W"
    again = entry(
        ME,
        1,
        "task_announcement",
        {"task_id": other, "retry_of": TASK, "spec": TaskSpec(title="y", commands=["y"]).model_dump()},
    )
    board = Board()
    apply(board, ANNOUNCED)
    apply(board, again)
    for index, one in enumerate((ANNOUNCED, again)):
        board.decided(erasing(5 + index, one))

    assert [task.key[1] for task in board.line(board.tasks[MESH, TASK], MESH)] == [TASK]


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(
        st.sampled_from(["about", "author", "epoch", "seq", "hash", "mesh_id", "task_id", "type", "at_ms"]), inner
    )).filter(lambda value: isinstance(value, dict))
)  # fmt: skip
def test_any_data_of_a_decision_is_read_or_skipped(data: dict[str, Any]) -> None:
    """Nobody's board fails on what stands in a control entry."""
    Board().decided(ControlEntry(MESH, 1, 9, "9:0:x", "body_erased", data, None, ME.peer_id, b"", "", "0" * 64))
