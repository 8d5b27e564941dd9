"""When people have to agree before a task is granted, and whether they have. Pure.

``auto``: never. ``always``: always. ``risky``: when the table of risks names something in the task. ``approvals``
different people have to agree; one who denies ends the task. A worker may ask for more than the task does: the
stricter of both counts for it. One risk counts whatever anybody asked for: a sandbox that is let out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chorus_tui.contract.models.task_spec import Limits, TaskSpec
from chorus_tui.engine.tasks import routing
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.task import Task

LONG_S = 3600
_USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Risk:
    """One line of the table: a name, whether a task bears the risk, and what is told to people."""

    name: str
    bears: Callable[[TaskSpec], bool]
    words: str
    always: bool = False
    """Whether people have to agree whatever task and worker ask for."""

    def told(self, spec: TaskSpec) -> str:
        """What is told of this task; who agrees has to see to which hosts."""
        return f"{self.words} ({', '.join(spec.allowed_hosts)})" if self.name == "out" else self.words


RISKS: tuple[Risk, ...] = (
    Risk("image", lambda spec: bool(spec.image), "it names an image outside the table of languages"),
    Risk("host", lambda spec: spec.repository.startswith("https://"), "its repository is fetched from another host"),
    Risk("push", lambda spec: spec.deliver == "branch", "its result is pushed to another host"),
    Risk("secret", lambda spec: any(v.startswith("secret:") for v in spec.env.values()), "it asks for a secret"),
    Risk("out", lambda spec: bool(spec.allowed_hosts), "its sandbox is let out to hosts", always=True),
    Risk("limits", lambda spec: _raises(spec.limits), "it asks for more than the usual limits"),
    Risk("time", lambda spec: spec.timeout_s > LONG_S, "it may run for more than an hour"),
)


def _raises(limits: Limits) -> bool:
    usual = _USUAL.model_dump()
    return any(value > usual[name] for name, value in limits.model_dump().items())


def risks(spec: TaskSpec) -> list[str]:
    """What is risky about a task, in words."""
    return [risk.told(spec) for risk in RISKS if risk.bears(spec)]


def _always(spec: TaskSpec) -> list[str]:
    """Of the risks those for which nobody is taken at their word that none has to agree."""
    return [risk.told(spec) for risk in RISKS if risk.always and risk.bears(spec)]


def needed(spec: TaskSpec, worker: str = "auto") -> int:
    """How many people have to agree before a worker that asks for ``worker`` may have the task."""
    if _always(spec):
        return spec.approvals
    if "always" in (spec.approval, worker) or ("risky" in (spec.approval, worker) and risks(spec)):
        return spec.approvals
    return 0


def enough(task: Task, worker: str) -> bool:
    """Whether those who agreed are enough for a worker that asks for ``worker``."""
    announced = task.announced
    return announced is not None and len(task.approvals) >= needed(announced.spec, worker)


def needed_here(spec: TaskSpec, agents: list[Agent]) -> int:
    """How many people have to agree before any worker in reach that fits may have the task."""
    asked = [needed(spec, agent.approval) for agent in routing.able(spec, agents)]
    return min(asked, default=needed(spec))


def conflict(task: Task) -> str:
    """Why nobody can agree to a task of which two announcements were seen, and nobody gets it; empty when the mesh knows which."""
    if not task.conflict:
        return ""
    return "two different announcements were made under its id, so it is not granted; cancel it and announce it anew"


def obstacle(task: Task) -> str:
    """Why missing approvals keep a task from being granted to anybody, in words; empty when they do not."""
    announced = task.announced
    assert announced is not None
    wanted = needed(announced.spec)
    if len(task.approvals) >= wanted:
        return ""
    return _missing(
        task, wanted, risks(announced.spec) if announced.spec.approval == "risky" else _always(announced.spec)
    )


def wary(task: Task, agents: list[Agent]) -> str:
    """Why all workers in reach that fit wait for approvals the task itself does not ask for; empty when one does not."""
    announced = task.announced
    assert announced is not None
    wanted = needed_here(announced.spec, agents)
    if len(task.approvals) >= wanted:
        return ""
    names = ", ".join(agent.name for agent in routing.able(announced.spec, agents))
    return _missing(task, wanted, [f"the workers that fit ask for it ({names})"])


def _missing(task: Task, wanted: int, why: list[str]) -> str:
    because = f": {', '.join(why)}" if why else ""
    return f"approval {len(task.approvals)} of {wanted}{because}"


def refusal(task: Task, peer_id: str, agents: list[Agent], *, approve: bool) -> str:
    """Why a person's word on a task cannot be taken, in words; empty when it can. ``agents``: those in reach."""
    announced = task.announced
    assert announced is not None
    if task.terminal:
        return f"the task has already ended: {task.terminal}"
    if task.denied is not None:
        return "the task was denied"
    if task.conflict:
        return conflict(task)
    asked = max((needed(announced.spec, agent.approval) for agent in routing.able(announced.spec, agents)), default=0)
    wanted = max(asked, needed(announced.spec))
    if not wanted:
        return "the task needs no approval" if approve else "the task needs no approval; cancel it instead"
    if len(task.approvals) >= wanted:
        return "the task has all its approvals" if approve else "the task has its approvals; cancel it instead"
    return "this peer has already approved it" if approve and peer_id in task.approvals else ""
