"""The work of a task that lists its commands: run in order until one fails, within one wall time."""

from __future__ import annotations

import trio

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution import verdict
from chorus_tui.engine.execution.profile import Bounds
from chorus_tui.engine.execution.verdict import Ending
from chorus_tui.engine.execution.workspace import SandboxLost, SandboxWorkspace


async def run_commands(workspace: SandboxWorkspace, spec: TaskSpec, bounds: Bounds) -> Ending:
    """To the first that fails, or through all."""
    deadline = trio.current_time() + spec.timeout_s
    for number, command in enumerate(spec.commands, 1):
        which = verdict.naming(number, len(spec.commands), workspace.shown(command))
        try:
            result = await workspace.shell(command, deadline - trio.current_time())
        except SandboxLost:
            return verdict.lost(which)
        if result.exit_code != 0 or result.ended_by:
            return verdict.judge(which, result, spec=spec, bounds=bounds, image=workspace.image)
    return Ending("completed", exit_code=0)
