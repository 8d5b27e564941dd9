"""What came of an accepted task, in words: the agent's own, or made from the facts. Pure."""

from __future__ import annotations

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec

_NAMES = 8


def of(spec: TaskSpec, result: TaskResult) -> str:
    """What was done, and which files changed."""
    ended = f"{len(spec.commands)} commands ended with exit code {result.exit_code}"
    came = result.summary or result.detail or ended
    names = result.change.names if result.change else []
    return f"{came} Changed: {', '.join(names[:_NAMES])}." if names else came
