"""Done is shown, not claimed: who checks a result before it is accepted, and what follows from what they find. Pure.

A result of a task with ``checks`` is accepted only when they passed in a fresh sandbox. Another member runs them where
one is in reach; its own worker only when nobody else is there, and never after somebody who is there tried in vain: what it
brought may be such that only it can pass it. Each try takes a container of the task's budget.
"""

from __future__ import annotations

from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks.acts import Act, AdminState
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.task import CheckGrant, Reported, Task

ALONE_S = 2.0
"""So long others may still come into reach before a worker checks its own result."""
SILENT_S = 8.0
"""So long others in reach may take to offer: more than a worker's interval of offers."""
HOPELESS_S = 30.0
"""So long after everybody has failed to run the checks somebody new may still come."""


def wanted(task: Task) -> bool:
    """Whether the result that is in has to be checked before it is accepted."""
    announced, report = task.announced, task.report
    return (
        announced is not None
        and report is not None
        and bool(announced.spec.checks)
        and report.result.outcome == "completed"
    )


def settle(
    task: Task, state: AdminState, agents: list[Agent], room: dict[str, int], now: float, parameters: dict[str, float]
) -> Act | None:
    """The next act on a result that has to be checked; None: something is awaited. ``room`` is used up by what is granted."""
    report, grant = task.report, task.checking
    assert report is not None
    if grant is not None:
        return _awaited(task, report, grant, state, now, parameters)
    announced = task.announced
    assert announced is not None
    tried = {one.checker for one in task.checks_of(report.attempt)}
    if 1 + len(task.checks_of(report.attempt)) >= announced.spec.budget.containers:
        return _ended(task, report, "task_budget_exhausted", _no_container_left(task, report))
    fresh = {a.peer_id for a in agents if _able(a)} - tried - {report.author}
    answering = fresh & set(room)
    if not answering:
        return _alone(task, report, state, agents, tried, now, parameters, patience=SILENT_S if fresh else ALONE_S)
    state.unchecked.pop(task.key, None)
    best = max(answering, key=lambda peer_id: (room[peer_id], peer_id))
    if room[best] <= 0:
        return None
    room[best] -= 1
    return _granted(task, report, best, parameters)


def _awaited(
    task: Task, report: Reported, grant: CheckGrant, state: AdminState, now: float, parameters: dict[str, float]
) -> Act | None:
    said = task.thread.checked.get((report.cite["hash"], grant.checker))
    if said is None:
        lease = (task.key, report.attempt, grant.checker)
        # A new admin gives every run a full lease first.
        if now >= state.check_leases.setdefault(lease, now + grant.lease_s) + parameters["expiry_grace_s"]:
            return _check_ended(task, report, grant.checker, "its checker was lost")
        return None
    if said.said.verdict == "error":
        return _check_ended(task, report, grant.checker, beginning(f"error: {said.said.detail}", 500))
    data = {
        "task_id": task.key[1], "attempt": report.attempt, "worker": report.author, "result_hash": report.cite["hash"],
        "entry": report.cite, "check": said.cite, "checked_by": grant.checker,
    }  # fmt: skip
    if said.said.verdict == "passed":
        return Act("task_accepted", data, report.cite)
    return Act("task_failed", {**data, "reason": beginning(f"not verified: {said.said.detail}", 500)}, report.cite)


def _alone(
    task: Task, report: Reported, state: AdminState, agents: list[Agent], tried: set[str], now: float,
    parameters: dict[str, float], *, patience: float,
) -> Act | None:  # fmt: skip
    """Nobody else offers to check."""
    waited = now - state.unchecked.setdefault(task.key, now)
    able = {agent.peer_id for agent in agents if _able(agent)}
    if report.author in able - tried and not able & tried:
        # Its slot is free again: the work on this very task is over.
        return _granted(task, report, report.author, parameters) if waited >= patience else None
    if not tried or waited < HOPELESS_S:
        return None
    last = task.checks_of(report.attempt)[-1]
    return _ended(
        task, report, "task_failed", beginning(f"not verified: nobody could run its checks; {last.reason}", 500)
    )


def _able(agent: Agent) -> bool:
    return agent.live and agent.docker and agent.max_tasks > 0 and not agent.draining


def _granted(task: Task, report: Reported, checker: str, parameters: dict[str, float]) -> Act:
    data = {
        "task_id": task.key[1], "attempt": report.attempt, "checker": checker, "result_hash": report.cite["hash"],
        "lease_s": parameters["lease_s"],
    }  # fmt: skip
    return Act("task_check_granted", data, report.cite)


def _check_ended(task: Task, report: Reported, checker: str, reason: str) -> Act:
    return Act(
        "task_check_ended",
        {"task_id": task.key[1], "attempt": report.attempt, "checker": checker, "reason": reason},
    )


def _ended(task: Task, report: Reported, type_: str, reason: str) -> Act:
    data = {
        "task_id": task.key[1], "attempt": report.attempt, "result_hash": report.cite["hash"], "entry": report.cite,
        "reason": reason,
    }  # fmt: skip
    return Act(type_, data, report.cite)


def _no_container_left(task: Task, report: Reported) -> str:
    announced = task.announced
    assert announced is not None
    runs = task.checks_of(report.attempt)
    why = f"; the last run of its checks: {runs[-1].reason}" if runs else ""
    used = f"{announced.spec.budget.containers} containers (budget.containers) used up before its checks passed"
    return beginning(f"{used}{why}", 500)


def waits(task: Task, name: str, agents: list[Agent]) -> str:
    """What a result that is in waits for, in words; ``name`` is the checker's."""
    if task.checking is not None:
        return f"the result is in; {name} runs its checks in a fresh sandbox"
    if any(_able(agent) for agent in agents):
        return "the result is in; somebody with room is looked for to run its checks"
    return "the result is in; no agent is in reach that can run its checks"
