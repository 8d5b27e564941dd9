"""Carries the demo's tasks through the mesh and tells it, line by line, from what the person's engine answers.

Nothing here is said because the script expects it: each line comes from a status, a peer list or a task view.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from chorus_tui.cli.demo.engines import DemoFailed
from chorus_tui.cli.demo.tasks import DemoTask
from chorus_tui.contract.counting import many
from chorus_tui.contract.problem import Problem

if TYPE_CHECKING:
    from chorus_tui.client import EngineClient
    from chorus_tui.contract.models.status import Status
    from chorus_tui.contract.models.tasks import TaskRef, TaskView

Say = Callable[[str], None]
MEET_S = 60
TASK_S = 240


async def wait_for_mesh(client: EngineClient, members: int, say: Say) -> None:
    """Wait until the person's engine sees ``members`` members and a reachable admin."""
    deadline = time.monotonic() + MEET_S
    while True:
        status = cast("Status", await client.call("status.show"))
        if status.admin and status.admin.reachable and status.members >= members and status.peers >= members - 1:
            say(
                f"One mesh of {many(status.members, 'peer')}. Its admin is {status.admin.agent_id}, term {status.admin.term}."
            )
            return
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"The peers did not meet within {MEET_S} s: {status.members} of {many(members, 'member')}, "
                f"{status.peers} connected. {status.mesh_detail}"
            )
        await asyncio.sleep(0.2)


async def announce(client: EngineClient, task: DemoTask) -> str:
    """Announce one task; its id."""
    from chorus_tui.contract.models.tasks import AnnounceTask

    try:
        return cast("TaskRef", await client.call("tasks.announce", AnnounceTask(spec=task.spec))).task_id
    except Problem as problem:
        raise DemoFailed(f"The task {task.spec.title!r} was refused: {problem}") from problem


async def follow(client: EngineClient, task_id: str, task: DemoTask, say: Say) -> None:
    """Tell each change of state until the task has ended, then its result. Raises :class:`DemoFailed` when it ended
    otherwise than it should."""
    from chorus_tui.contract.models.tasks import TERMINAL, TaskRef

    last, deadline = "", time.monotonic() + TASK_S
    while True:
        view = cast("TaskView", await client.call("tasks.show", TaskRef(task_id=task_id)))
        if view.state != last:
            last = view.state
            say(f"  {task.spec.title}: {describe(view)}")
        if view.state in TERMINAL:
            tell_result(view, task, say)
            return
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"The task {task.spec.title!r} did not end within {TASK_S} s; it is {view.state}. {view.detail}"
            )
        await asyncio.sleep(0.1)


def describe(view: TaskView) -> str:
    """A state in words, with who and why where there is one."""
    words = view.state.replace("_", " ")
    if view.holder_name and view.state not in ("announced", "waiting"):
        words += f" by {view.holder_name}" if view.state == "completed" else f" ({view.holder_name})"
    return f"{words}: {view.detail}" if view.detail else words


def tell_result(view: TaskView, task: DemoTask, say: Say) -> None:
    """Output, exit code and artifacts, as reported; then whether that is what should come of it."""
    result = view.result or next((attempt.result for attempt in reversed(view.attempts) if attempt.result), None)
    for line in (result.output_tail if result else "").rstrip().splitlines()[-8:]:
        say(f"    │ {line}")
    if result is not None:
        files = "".join(f"; {artifact.path}, {artifact.size} bytes" for artifact in result.artifacts)
        say(f"    exit code {result.exit_code}{files}")
    ended = result.exit_code if result else None
    if (view.state, ended) != (task.state, task.exit_code) or not view.confirmed:
        raise DemoFailed(
            f"The task {task.spec.title!r} should end as {task.state} with exit code {task.exit_code}, but it is "
            f"{view.state} with {ended}. {view.detail}"
        )
    say(f"    as it should be: {task.why}")
