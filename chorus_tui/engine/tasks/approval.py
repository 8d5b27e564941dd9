"""When people have to agree before a task is granted, and whether they have. Pure.

``auto``: never. ``always``: always. ``risky``: when the table of risks names something in the task. ``approvals``
different people have to agree; one who denies ends the task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chorus_tui.contract.models.tasks import Limits, TaskSpec
from chorus_tui.engine.tasks.board import Task

LONG_S = 3600
_USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Risk:
    """One line of the table: a name, whether a task bears the risk, and what is told to people."""

    name: str
    bears: Callable[[TaskSpec], bool]
    words: str


RISKS: tuple[Risk, ...] = (
    Risk("image", lambda spec: bool(spec.image), "it names an image outside the table of languages"),
    Risk("host", lambda spec: spec.repository.startswith("https://"), "its repository is fetched from another host"),
    Risk("secret", lambda spec: any(v.startswith("secret:") for v in spec.env.values()), "it asks for a secret"),
    Risk("limits", lambda spec: _raises(spec.limits), "it asks for more than the usual limits"),
    Risk("time", lambda spec: spec.timeout_s > LONG_S, "it may run for more than an hour"),
)


def _raises(limits: Limits) -> bool:
    usual = _USUAL.model_dump()
    return any(value > usual[name] for name, value in limits.model_dump().items())


def risks(spec: TaskSpec) -> list[str]:
    """What is risky about a task, in words."""
    return [risk.words for risk in RISKS if risk.bears(spec)]


def needed(spec: TaskSpec) -> int:
    """How many people have to agree."""
    if spec.approval == "always" or (spec.approval == "risky" and risks(spec)):
        return spec.approvals
    return 0


def obstacle(task: Task) -> str:
    """Why missing approvals keep a task from being granted, in words; empty when they do not."""
    announced = task.announced
    assert announced is not None
    wanted = needed(announced.spec)
    if len(task.approvals) >= wanted:
        return ""
    why = risks(announced.spec) if announced.spec.approval == "risky" else []
    because = f": {', '.join(why)}" if why else ""
    return f"approval {len(task.approvals)} of {wanted}{because}"


def refusal(task: Task, peer_id: str, *, approve: bool) -> str:
    """Why a person's word on a task cannot be taken, in words; empty when it can."""
    announced = task.announced
    assert announced is not None
    if task.terminal:
        return f"the task has already ended: {task.terminal}"
    if task.denied is not None:
        return "the task was denied"
    if not needed(announced.spec):
        return "the task needs no approval" if approve else "the task needs no approval; cancel it instead"
    if not obstacle(task):
        return "the task has all its approvals" if approve else "the task has its approvals; cancel it instead"
    return "this peer has already approved it" if approve and peer_id in task.approvals else ""
