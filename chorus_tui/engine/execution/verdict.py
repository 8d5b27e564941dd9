"""What a command's end means, in a word for programs and a sentence for people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.execution.interface import ShellResult
from chorus_tui.engine.execution.output import FLOOD_FACTOR
from chorus_tui.engine.execution.profile import Bounds

KILLED = 128 + 9
NOT_EXECUTABLE = 126
NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended. ``sandbox_there``: there is something left to collect from."""

    outcome: Literal["completed", "failed", "error", "budget_exhausted"]
    reason: str = ""
    detail: str = ""
    exit_code: int | None = None
    sandbox_there: bool = True


def naming(number: int, count: int, command: str) -> str:
    """A command as the sentences name it."""
    return f"command {number} of {count} ({command})"


def judge(which: str, result: ShellResult, *, spec: TaskSpec, bounds: Bounds, image: str) -> Ending:
    """The ending of a task whose command ``which`` did not end with 0."""
    code = result.exit_code
    if result.ended_by == "timeout":
        detail = f"{which} was ended: the time of {spec.timeout_s} s was over (timeout_s)"
        return Ending("budget_exhausted", "timeout", detail, code)
    if result.ended_by == "flood":
        limit = FLOOD_FACTOR * bounds.log_mb
        return Ending("failed", "output_flood", f"{which} was ended: it wrote more than {limit} MiB of output", code)
    if result.ended_by == "memory":
        detail = f"{which} was ended: memory of {bounds.memory_mb} MiB ran out (limits.memory_mb)"
        return Ending("failed", "out_of_memory", detail, code)
    if code == NOT_FOUND:
        detail = f"{which} ended with 127: a program was not found in image {image}; the output names it"
        return Ending("failed", "command_not_found", detail, code)
    if code == NOT_EXECUTABLE:
        return Ending("failed", "command_not_executable", f"{which} ended with 126: it cannot be executed", code)
    if code > 128:
        return Ending("failed", "exit_code", f"{which} ended with {code}: by signal {code - 128}", code)
    return Ending("failed", "exit_code", f"{which} ended with exit code {code}", code)


def lost(which: str) -> Ending:
    """The ending of a task whose sandbox went while ``which`` ran: the task is not to blame."""
    detail = f"{which} was ended: its sandbox was removed from outside, or the Docker Engine restarted"
    return Ending("error", "sandbox_lost", detail, sandbox_there=False)
