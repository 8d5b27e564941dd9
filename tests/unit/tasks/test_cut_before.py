"""What tasks cut of what others said, or people and agents gave, is redacted before."""

from __future__ import annotations

import base64
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import Budget, TaskSpec
from chorus_tui.contract.models.tasks import SubmitTask
from chorus_tui.engine.assistance import seeking
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.stream import StreamRedactor
from chorus_tui.engine.tasks import context, hands, ids
from chorus_tui.engine.tasks.agent_at_work import Attempt, Mind
from chorus_tui.engine.tasks.hands import Hands
from tests.unit.tasks import boards
from tests.unit.tasks.boards import MESH, WORKER, a_board, apply, entry

REDACTOR = Redactor([])
SECRET = "wJa1rXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEkeyQ"
LINE = f"aws_secret_access_key = {SECRET}"
TASK, OTHER_TASK = (ids.ulid(float(n), bytes([n]) * 10) for n in (1, 2))


def output(kept: int, offset: int) -> str:
    """What was printed, with a secret where its last ``kept`` characters begin."""
    behind = "x" * (kept - len(LINE) + offset)
    return f"before\n{LINE}\n{behind}"


def parts(shown: str) -> list[str]:
    """What is left of the secret."""
    return [part for at in range(len(SECRET) - 7) if (part := SECRET[at : at + 8]) in shown]


@pytest.mark.parametrize("offset", range(0, len(LINE) + 2, 3))
def test_of_what_another_attempt_printed_an_agent_sees_no_part_of_a_secret(offset):
    """Neither in what it looks up nor in what is told to a mentor, wherever the end of the output begins."""
    board = a_board({TASK: TaskSpec(title="t", commands=["true"])})
    board.decided(boards.granted(board, 2, TASK))
    task = board.tasks[MESH, TASK]
    for kept, show in (
        (1_500, lambda: context.look_up(task, board, str, [], "attempt", REDACTOR.text)),
        (1_999, lambda: seeking.tried(task, task.grants[0], REDACTOR.text)),
    ):
        report = {
            "task_id": TASK,
            "attempt": 1,
            "result": TaskResult(outcome="failed", output_tail=output(kept, offset)).model_dump(),
        }
        task.reports.clear()
        apply(board, entry(WORKER, kept, "task_complete", report))
        board.decided(boards.decision(kept, "task_released", TASK, attempt=1, reason="error: x"))
        board.decided(boards.granted(board, kept + 1, TASK, attempt=2))

        assert "xxxx" in show()
        assert not parts(show())


@pytest.mark.parametrize("offset", range(0, len(LINE) + 2, 3))
async def test_of_a_file_that_is_handed_in_no_part_of_a_secret_is_told(offset):
    """Its end is shown with the result."""

    async def keep(_content: bytes) -> Any:
        return SimpleNamespace(size=1, digest="sha256:" + "0" * 64)

    async def here(*_: object, **__: object) -> Any:
        return SimpleNamespace(held_by=1, reachable=1)

    blobs = SimpleNamespace(put_bytes=keep, replicate=here)
    service: Any = SimpleNamespace(parts=SimpleNamespace(blobs=blobs, redactor=partial(StreamRedactor, REDACTOR)))
    content = base64.b64encode(output(hands.TAIL, offset).encode()).decode()
    request = SubmitTask(task_id=TASK, kind="output", file={"name": "said.txt", "content": content})
    result = await Hands(service)._result(request)

    assert "xxxx" in result.output_tail
    assert not parts(result.output_tail)


@pytest.mark.parametrize("offset", range(0, len(LINE) + 2, 3))
async def test_the_title_of_a_subtask_holds_no_part_of_a_secret(offset):
    """It is the beginning of its goal, which the agent made up."""
    announced: list[TaskSpec] = []

    async def announce(spec: TaskSpec) -> str:
        announced.append(spec)
        return OTHER_TASK

    around: Any = SimpleNamespace(announce=announce)
    mind: Any = Mind(None, str, REDACTOR.text, "")
    spec = TaskSpec(title="t", goal="g", budget=Budget(depth=1))
    attempt = Attempt(mind, around, (MESH, TASK), 1, spec, announce, announce)
    await attempt.announce_subtask("x" * (200 - offset) + f" {LINE}")

    assert announced[0].title.startswith("xxx")
    assert not parts(announced[0].title)
