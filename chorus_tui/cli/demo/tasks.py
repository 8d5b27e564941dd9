"""What the demo announces, and what it must come to for the demo to count as a success."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chorus_tui.contract.models.task_spec import TaskSpec


@dataclass(frozen=True, slots=True)
class DemoTask:
    """One task with the end it should have: a state and the exit code of its last command."""

    spec: TaskSpec
    state: str
    exit_code: int
    why: str


def demo_tasks(repository: Path) -> list[DemoTask]:
    """Three tasks: one that passes, one that truly fails, one that brings a file back."""
    from chorus_tui.contract.models.task_spec import TaskSpec

    sample = str(repository)
    return [
        DemoTask(
            TaskSpec(
                title="Run the tests of total",
                repository=sample,
                language="python",
                commands=["python3 -m unittest -v test_total"],
                timeout_s=120,
            ),
            "completed",
            0,
            "its test passes",
        ),
        DemoTask(
            TaskSpec(
                title="Run the tests of share, which fail on purpose",
                repository=sample,
                language="python",
                commands=["python3 -m unittest -v test_share"],
                timeout_s=120,
            ),
            "failed",
            1,
            "the sample has a bug on purpose, and a failing test is shown as failed",
        ),
        DemoTask(
            TaskSpec(
                title="Count the lines of the sample",
                repository=sample,
                commands=["wc -l *.py | tee /workspace/output/lines.txt"],
                outputs=["*.txt"],
                timeout_s=120,
            ),
            "completed",
            0,
            "it brings lines.txt back",
        ),
    ]
