"""Tasks as an engine shows them, for the tests of what is told of them."""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.models.task_result import Change, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import Attempt, TaskView

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
CHANGE = Change(
    base="a" * 40, patch="sha256:" + "b" * 64, size=300, files=4, insertions=12, deletions=3, names=["a.py", "b.py"]
)


def goal(**fields: Any) -> TaskSpec:
    """A task for an agent, with two checks."""
    given = {"title": "Mend it", "goal": "make the tests pass", "checks": ["true", "pytest -q"], "repository": "/r"}
    return TaskSpec.model_validate({**given, **fields})


def view(state: str, spec: TaskSpec, result: TaskResult | None = None, *, accepted: bool = True, **fields: Any) -> Any:
    """The task; a result that is not ``accepted`` stands at its attempt only."""
    attempt = Attempt(attempt=1, worker="p-a", worker_name="ada", granted_at=2.0, result=result)
    known = {
        "task_id": TASK, "title": spec.title, "state": state, "priority": "medium", "announcer": "p-me",
        "announcer_name": "me", "announced_at": 1.0, "spec": spec, "mesh_id": "m", "holder": "p-a", "holder_name": "ada",
        "attempts": [attempt], "result": result if accepted else None, "confirmed": state in ("completed", "failed"),
    }  # fmt: skip
    return TaskView.model_validate({**known, **fields})
