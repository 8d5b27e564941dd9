"""What the admin decides about tasks, pure: board, offers and time in; acts for the control log out.

Nothing here knows a clock or the network. The same inputs give the same acts, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chorus_tui.engine.tasks.approval import enough
from chorus_tui.engine.tasks.board import Board, Key, Task
from chorus_tui.engine.tasks.routing import Agent, Offer, fits, score
from chorus_tui.engine.tasks.waiting import held_back

RANK = {"urgent": 0, "high": 1, "medium": 2, "low": 3}
OFFER_LASTS_S = 15.0
HOPELESS_S = 5.0


@dataclass(frozen=True, slots=True)
class Act:
    """A proposal for the control log."""

    type_: str
    data: dict[str, Any]
    request: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class May:
    """Whose words count: ``announce(who)``, ``cancel(who, announcer)``, as granted in the control log."""

    announce: Callable[[str], bool]
    cancel: Callable[[str, str], bool]


@dataclass(slots=True)
class AdminState:
    """What only the admin of a term keeps, in its own monotonic time. A new admin starts with an empty one."""

    leases: dict[tuple[Key, int], float] = field(default_factory=dict)
    """When each running grant expires."""
    first_seen: dict[Key, float] = field(default_factory=dict)
    """A task's age: what the announcer's clock says cannot push others back for ever."""
    offers: dict[str, Offer] = field(default_factory=dict)
    hopeless: dict[Key, float] = field(default_factory=dict)
    """Since when nobody is left to try a task."""
    releases: dict[tuple[Key, int], str] = field(default_factory=dict)
    """Grants that their workers gave back, with the reason."""
    claims: dict[Key, str] = field(default_factory=dict)
    """Tasks that somebody asked for by hand."""


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
    acts: list[Act] = []
    settled: set[Key] = set()
    for task in tasks:
        if not task.terminal:
            act = _cancelled(task, may.cancel) or _denied(task, agents) or _ended(task, state, agents, now, parameters)
            if act is not None:
                acts.append(act)
                settled.add(task.key)
    grantable = [task for task in tasks if task.key not in settled and _grantable(task, board, may)]
    # A claim stands until its grant is committed: in between the task is promised already.
    state.claims = {task.key: state.claims[task.key] for task in grantable if task.key in state.claims}
    by_hand = [_claimed(task, state.claims[task.key], parameters) for task in grantable if task.key in state.claims]
    others = [task for task in grantable if task.key not in state.claims]
    return acts + by_hand + _grants(board, mesh_id, others, state, agents, now, parameters)


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
    announced = task.announced
    assert announced is not None
    for who, reason, cite in task.cancel_requests:
        if may_cancel(who, announced.author):
            return Act("task_cancelled", {"task_id": task.key[1], "reason": reason or "cancelled"}, cite)
    return None


def _denied(task: Task, agents: list[Agent]) -> Act | None:
    if task.denied is None:
        return None
    who = next((agent.name for agent in agents if agent.peer_id == task.denied.by), task.denied.by)
    reason = f"denied by {who}: {task.denied.reason}".removesuffix(": ")
    return Act("task_cancelled", {"task_id": task.key[1], "reason": reason})


def _ended(task: Task, state: AdminState, agents: list[Agent], now: float, parameters: dict[str, float]) -> Act | None:
    held = task.held
    if held is None:
        return _hopeless(task, state, agents, now)
    report = task.report
    base = {"task_id": task.key[1], "attempt": held.attempt}
    if report is not None:
        result = report.result
        if result.outcome == "completed":
            data = {**base, "worker": held.worker, "result_hash": report.cite["hash"], "entry": report.cite}
            return Act("task_accepted", data, report.cite)
        if result.outcome in ("failed", "budget_exhausted"):
            why = (result.detail or result.reason or "failed")[:500]
            return Act(
                f"task_{result.outcome}",
                {**base, "result_hash": report.cite["hash"], "entry": report.cite, "reason": why},
                report.cite,
            )
        return Act("task_released", {**base, "reason": f"error: {result.reason}: {result.detail}"[:600]}, report.cite)
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
    mesh_id: str,
    tasks: list[Task],
    state: AdminState,
    agents: list[Agent],
    now: float,
    parameters: dict[str, float],
) -> list[Act]:
    room = _room(board, mesh_id, state, agents, now)
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
        (best, reasons), worker = max(scored, key=lambda item: (item[0][0], item[1]))
        room[worker] -= 1
        data = {
            "task_id": task.key[1], "attempt": len(task.grants) + 1, "worker": worker,
            "lease_s": parameters["lease_s"], "reasons": f"{best:.2f}: {reasons}",
        }  # fmt: skip
        acts.append(Act("task_granted", data, announced.cite))
    return acts


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
    return _able(task, agent) and enough(task, agent.approval)


def _able(task: Task, agent: Agent) -> bool:
    """Whether a worker may be considered at all."""
    announced = task.announced
    assert announced is not None
    able = agent.docker and agent.max_tasks > 0 and agent.peer_id not in task.unfit()
    return able and fits(announced.spec, agent.role, agent.expertise)


def _room(board: Board, mesh_id: str, state: AdminState, agents: list[Agent], now: float) -> dict[str, int]:
    """How many more tasks each worker may get: what it offered, and never more than its limit less what it holds. An
    offer may have been sent before its worker saw its newest grant."""
    held: dict[str, int] = {}
    for task in board.of_mesh(mesh_id):
        if task.held is not None and not task.held.by_hand:
            held[task.held.worker] = held.get(task.held.worker, 0) + 1
    room = {}
    for agent in agents:
        offer = state.offers.get(agent.peer_id)
        if offer is not None and agent.live and not agent.draining and now - offer.at <= OFFER_LASTS_S:
            room[agent.peer_id] = min(offer.free, agent.max_tasks - held.get(agent.peer_id, 0))
    return room


def _all_answered(state: AdminState, eligible: list[Agent]) -> bool:
    asked = {agent.peer_id for agent in eligible if agent.live and not agent.draining}
    return bool(asked) and asked <= set(state.offers)
