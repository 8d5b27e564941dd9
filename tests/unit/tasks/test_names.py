"""Which task is meant by what somebody typed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chorus_tui.contract.models import tasks as models
from chorus_tui.contract.models.patches import PatchFromTask
from chorus_tui.contract.models.task_spec import TaskSpec
from tests.unit.tasks.boards import MESH, a_board

ONE, TWO, ELSEWHERE = "01ARZ3NDEKTSV4RRFFQ69G5FA1", "01ARZ3NDEKTSV4RRFFQ69G5FA2", "01ARZ3NDEKTSV4RRFFQ69G5FB1"
SPEC = TaskSpec(title="t", commands=["true"])

BY_ID = [
    model
    for model in (*vars(models).values(), PatchFromTask)
    if isinstance(model, type) and issubclass(model, models.Request) and "task_id" in model.model_fields
]


def found(beginning: str, mesh_id: str = MESH) -> list[str]:
    board = a_board({ONE: SPEC, TWO: SPEC})
    a_board({ELSEWHERE: SPEC}, board=board, mesh_id="b" * 64)
    return [task.key[1] for task in board.named(beginning, mesh_id)]


@pytest.mark.parametrize(
    ("beginning", "tasks"),
    [
        (ONE, [ONE]),
        (ONE[:25], [ONE, TWO]),
        (ELSEWHERE[:25], [ELSEWHERE]),
        ("01", [ONE, TWO]),
        ("02", []),
        (ONE[1:], []),
    ],
)
def test_a_beginning_names_all_that_begin_so(beginning: str, tasks: list[str]) -> None:
    """A whole id names its task; tasks of another mesh are meant only where none of this one is."""
    assert found(beginning) == tasks


@pytest.mark.parametrize("model", BY_ID, ids=lambda model: model.__name__)
def test_every_operation_on_a_task_takes_a_beginning(model: type[models.Request]) -> None:
    """In small letters too; what can be no id is refused in words, not by a pattern."""
    given = {"text": "t", "kind": "failed" if model is models.SubmitTask else "code", "reason": "why"}
    rest = {name: value for name, value in given.items() if name in model.model_fields}
    assert model(task_id="01arz", **rest).task_id == "01ARZ"  # type: ignore[attr-defined]
    for wrong in ("", "01-2", "0" * 27, "ä"):
        with pytest.raises(ValidationError) as refused:
            model(task_id=wrong, **rest)

        message = refused.value.errors()[0]["msg"]
        assert "letters and digits" in message
        assert "pattern" not in message


def test_there_are_operations_to_look_at() -> None:
    """The list above is not empty by mistake."""
    assert {"TaskRef", "WaitTask", "CancelTask", "SubmitTask", "SteerTask", "PatchFromTask"} <= {
        one.__name__ for one in BY_ID
    }
