"""What the admin decides about tasks, pure: board, offers and time in; acts for the control log out.

Nothing here knows a clock or the network. The same inputs give the same acts, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks import allocation, approval, dependencies, verification
from chorus_tui.engine.tasks.acts import Act, AdminState, May
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.routing import Agent, fits, score
from chorus_tui.engine.tasks.task import Key, Task
from chorus_tui.engine.tasks.waiting import held_back

RANK = {"urgent": 0, "high": 1, "medium": 2, "low": 3}
OFFER_LASTS_S = 15.0
HOPELESS_S = 5.0


def decide(
    board: Board,
    mesh_id: str,
    state: AdminState,
    agents: list[Agent],
    now: float,
    parameters: dict[str, float],
    may: May,
) -> list[Act]:
    """All acts due now; at most one a task."""
    tasks = board.of_mesh(mesh_id)
    for task in tasks:
        state.first_seen.setdefault(task.key, now)
    tasks.sort(key=lambda task: _order(task, state))
    room = _room(board, mesh_id, state, agents, now)
    acts: list[Act] = []
    settled: set[Key] = set()
    for task in tasks:
        if not task.terminal:
            act = (
                _cancelled(task, may.cancel)
                or _denied(task, agents)
                or _nobody_agreed(task, board, state, now)
                or _ended(task, state, agents, room, now, parameters)
            )
            if act is not None:
                acts.append(act)
                settled.add(task.key)
    grantable = [task for task in tasks if task.key not in settled and _grantable(task, board, may)]
    # A claim stands until its grant is committed: in between the task is promised already.
    state.claims = {task.key: state.claims[task.key] for task in grantable if task.key in state.claims}
    by_hand = [_claimed(task, state.claims[task.key], parameters) for task in grantable if task.key in state.claims]
    others = [task for task in grantable if task.key not in state.claims]
    return acts + by_hand + _grants(board, others, state, agents, room, now, parameters)


def _grantable(task: Task, board: Board, may: May) -> bool:
    announced = task.announced
    assert announced is not None
    return task.open and may.announce(announced.author) and not held_back(task, board)


def _order(task: Task, state: AdminState) -> tuple[int, float, int, str]:
    """Urgent before low, then by age: within one level nobody is overtaken for ever."""
    announced = task.announced
    assert announced is not None
    return (RANK[announced.spec.priority], state.first_seen[task.key], announced.at_ms, task.key[1])


# ── ends ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cancelled(task: Task, may_cancel: Callable[[str, str], bool]) -> Act | None:
    announcers = sorted(task.announcers)
    for who, reason, cite in task.cancel_requests:
        if any(may_cancel(who, announcer) for announcer in announcers):
            return _cancel(task, reason or "cancelled", cite)
    return None


def _cancel(task: Task, reason: str, cite: dict[str, Any] | None = None) -> Act:
    """It names the announcement: a task that ended without a grant is not told differently afterwards either."""
    announced = task.announced
    assert announced is not None
    return Act("task_cancelled", {"task_id": task.key[1], "announcement": announced.hash, "reason": reason}, cite)


def _denied(task: Task, agents: list[Agent]) -> Act | None:
    if task.denied is None:
        return None
    who = next((agent.name for agent in agents if agent.peer_id == task.denied.by), task.denied.by)
    reason = f"denied by {who}: {task.denied.reason}".removesuffix(": ")
    return _cancel(task, reason)


def _nobody_agreed(task: Task, board: Board, state: AdminState, now: float) -> Act | None:
    """People did not agree in time. No lease is held meanwhile, so nothing else waits for their word."""
    announced = task.announced
    assert announced is not None
    missing = approval.obstacle(task) if task.open and not dependencies.obstacle(task, board) else ""
    if not missing:
        state.unapproved.pop(task.key, None)
        return None
    within = announced.spec.approve_within_s
    if now - state.unapproved.setdefault(task.key, now) < within:
        return None
    reason = beginning(f"not enough people agreed within {within} s (approve_within_s): {missing}", 500)
    return _cancel(task, reason)


def _ended(
    task: Task, state: AdminState, agents: list[Agent], room: dict[str, int], now: float, parameters: dict[str, float]
) -> Act | None:
    held = task.held
    if held is None:
        return _hopeless(task, state, agents, now)
    report = task.report
    base = {"task_id": task.key[1], "attempt": held.attempt}
    if report is not None:
        result = report.result
        if verification.wanted(task):
            return verification.settle(task, state, agents, room, now, parameters)
        if result.outcome == "completed":
            data = {**base, "worker": held.worker, "result_hash": report.cite["hash"], "entry": report.cite}
            return Act("task_accepted", data, report.cite)
        if result.outcome in ("failed", "budget_exhausted"):
            why = beginning(result.detail or result.reason or "failed", 500)
            return Act(
                f"task_{result.outcome}",
                {**base, "result_hash": report.cite["hash"], "entry": report.cite, "reason": why},
                report.cite,
            )
        return Act(
            "task_released", {**base, "reason": beginning(f"error: {result.reason}: {result.detail}", 600)}, report.cite
        )
    lease = (task.key, held.attempt)
    if lease in state.releases:
        return Act("task_released", {**base, "reason": state.releases[lease]})
    # A new admin gives every running grant a full lease first.
    expires = state.leases.setdefault(lease, now + held.lease_s)
    if now >= expires + parameters["expiry_grace_s"]:
        return Act("task_expired", base)
    return None


def _hopeless(task: Task, state: AdminState, agents: list[Agent], now: float) -> Act | None:
    """A task that was tried and that nobody is left to try, for a while: an agent may only be out of reach."""
    announced = task.announced
    assert announced is not None
    if not task.grants:
        return None
    last = task.grants[-1]
    tried = f"{len(task.grants)} of {announced.spec.max_attempts} attempts"
    if len(task.grants) >= announced.spec.max_attempts:
        reason = f"{tried} used up; the last {last.ended}: {last.reason}".rstrip(": ")
        return Act("task_failed", {"task_id": task.key[1], "attempt": None, "result_hash": None, "reason": reason})
    unfit = task.unfit()
    if not unfit or any(agent.live and _able(task, agent) for agent in agents):
        state.hopeless.pop(task.key, None)
        return None
    if now - state.hopeless.setdefault(task.key, now) < HOPELESS_S:
        return None
    reason = f"no agent here can run it; {last.reason}"
    return Act("task_failed", {"task_id": task.key[1], "attempt": None, "result_hash": None, "reason": reason})


# ── grants ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _grants(
    board: Board,
    tasks: list[Task],
    state: AdminState,
    agents: list[Agent],
    room: dict[str, int],
    now: float,
    parameters: dict[str, float],
) -> list[Act]:
    acts = []
    for task in tasks:
        announced = task.announced
        assert announced is not None
        eligible = [agent for agent in agents if _eligible(task, agent)]
        waited = now - state.first_seen[task.key] >= parameters["offer_window_s"]
        if not waited and not _all_answered(state, eligible):
            continue
        free = [agent for agent in eligible if room.get(agent.peer_id, 0) > 0]
        if not free:
            continue
        scored = [(score(task, agent, state.offers[agent.peer_id], board), agent.peer_id) for agent in free]
        scored.sort(key=lambda item: (item[0].total, item[1]), reverse=True)
        best, worker = scored[0]
        room[worker] -= 1
        data = {
            "task_id": task.key[1], "attempt": len(task.grants) + 1, "worker": worker,
            "lease_s": parameters["lease_s"], "reasons": f"{best.total:.2f}: {best.words}", "reserved": _reserved(task),
        }  # fmt: skip
        acts.append(Act("task_granted", data, announced.cite, allocation.told(task, len(task.grants) + 1, scored)))
    return acts


def _reserved(task: Task) -> dict[str, int]:
    """What the attempt may spend at most, as the grant says it."""
    announced = task.announced
    assert announced is not None
    spec = announced.spec
    budget = spec.budget.model_dump() if spec.goal else {"containers": spec.budget.containers}
    return {"seconds": spec.timeout_s, **budget}


def _claimed(task: Task, worker: str, parameters: dict[str, float]) -> Act:
    """A grant to somebody who asked for it by hand: people are slower than leases of machines."""
    announced = task.announced
    assert announced is not None
    data = {
        "task_id": task.key[1], "attempt": len(task.grants) + 1, "worker": worker, "lease_s": parameters["claim_lease_s"],
        "reasons": "claimed by hand", "by_hand": True,
    }  # fmt: skip
    return Act("task_granted", data, announced.cite)


def _eligible(task: Task, agent: Agent) -> bool:
    """Whether a worker may have it now."""
    return _able(task, agent) and approval.enough(task, agent.approval)


def _able(task: Task, agent: Agent) -> bool:
    """Whether a worker may be considered at all."""
    announced = task.announced
    assert announced is not None
    able = agent.docker and agent.max_tasks > 0 and agent.peer_id not in task.unfit()
    able = able and (agent.models or not announced.spec.goal)
    return able and fits(announced.spec, agent.role, agent.expertise)


def _room(board: Board, mesh_id: str, state: AdminState, agents: list[Agent], now: float) -> dict[str, int]:
    """How many more tasks each worker may get: what it offered, and never more than its limit less what it holds. An
    offer may have been sent before its worker saw its newest grant. Work whose result is in takes no room any more."""
    held: dict[str, int] = {}
    for task in board.of_mesh(mesh_id):
        if task.held is not None and not task.held.by_hand and task.report is None:
            held[task.held.worker] = held.get(task.held.worker, 0) + 1
        if task.checking is not None:
            held[task.checking.checker] = held.get(task.checking.checker, 0) + 1
    room = {}
    for agent in agents:
        offer = state.offers.get(agent.peer_id)
        if offer is not None and agent.live and not agent.draining and now - offer.at <= OFFER_LASTS_S:
            room[agent.peer_id] = min(offer.free, agent.max_tasks - held.get(agent.peer_id, 0))
    return room


def _all_answered(state: AdminState, eligible: list[Agent]) -> bool:
    asked = {agent.peer_id for agent in eligible if agent.live and not agent.draining}
    return bool(asked) and asked <= set(state.offers)
