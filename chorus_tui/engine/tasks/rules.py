"""What the admin decides about tasks, pure: board, offers and time in; acts for the control log out.

Nothing here knows a clock or the network. The same inputs give the same acts, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chorus_tui.engine.tasks.board import Board, Key, Task

RANK = {"urgent": 0, "high": 1, "medium": 2, "low": 3}
WEIGHTS = {"fit": 0.35, "expertise": 0.25, "room": 0.20, "record": 0.20}
OFFER_LASTS_S = 15.0
HOPELESS_S = 5.0


@dataclass(frozen=True, slots=True)
class Agent:
    """A peer that may work, as others know it."""

    peer_id: str
    name: str
    live: bool
    docker: bool
    role: str = ""
    expertise: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_tasks: int = 0
    draining: bool = False
    running: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A worker's standing offer: how much room it has, and what it can."""

    peer_id: str
    free: int
    role: str
    expertise: tuple[str, ...]
    languages: tuple[str, ...]
    at: float


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
    offers: dict[str, Offer] = field(default_factory=dict)
    hopeless: dict[Key, float] = field(default_factory=dict)
    """Since when nobody is left to try a task."""
    releases: dict[tuple[Key, int], str] = field(default_factory=dict)
    """Grants that their workers gave back, with the reason."""


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
    acts: list[Act] = []
    settled: set[Key] = set()
    for task in sorted(board.of_mesh(mesh_id), key=_order):
        if not task.terminal:
            act = _cancelled(task, may.cancel) or _ended(task, state, agents, now, parameters)
            if act is not None:
                acts.append(act)
                settled.add(task.key)
    grantable = [
        task for task in board.of_mesh(mesh_id) if task.open and task.key not in settled and _announcer_may(task, may)
    ]
    return acts + _grants(board, mesh_id, grantable, state, agents, now, parameters)


def _announcer_may(task: Task, may: May) -> bool:
    announced = task.announced
    assert announced is not None
    return may.announce(announced.author)


def _order(task: Task) -> tuple[int, int, str]:
    announced = task.announced
    assert announced is not None
    return (RANK[announced.spec.priority], announced.at_ms, task.key[1])


# ── ends ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cancelled(task: Task, may_cancel: Callable[[str, str], bool]) -> Act | None:
    announced = task.announced
    assert announced is not None
    for who, reason, cite in task.cancel_requests:
        if may_cancel(who, announced.author):
            return Act("task_cancelled", {"task_id": task.key[1], "reason": reason or "cancelled"}, cite)
    return None


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
        if result.outcome == "failed":
            why = (result.detail or result.reason or "failed")[:500]
            return Act(
                "task_failed",
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
    able = any(agent.live and agent.docker and agent.max_tasks and agent.peer_id not in unfit for agent in agents)
    if not unfit or able:
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
    for task in sorted(tasks, key=_order):
        announced = task.announced
        assert announced is not None
        if len(task.grants) >= announced.spec.max_attempts:
            continue
        first = state.first_seen.setdefault(task.key, now)
        if now - first < parameters["offer_window_s"] and not _all_answered(state, agents):
            continue
        fitting = [offer for offer in state.offers.values() if room.get(offer.peer_id, 0) > 0 and fits(task, offer)]
        if not fitting:
            continue
        scored = [(score(task, offer, board, mesh_id), offer.peer_id) for offer in fitting]
        (best, reasons), worker = max(scored, key=lambda item: (item[0][0], item[1]))
        room[worker] -= 1
        data = {
            "task_id": task.key[1], "attempt": len(task.grants) + 1, "worker": worker,
            "lease_s": parameters["lease_s"], "reasons": f"{best:.2f}: {reasons}",
        }  # fmt: skip
        acts.append(Act("task_granted", data, announced.cite))
    return acts


def _room(board: Board, mesh_id: str, state: AdminState, agents: list[Agent], now: float) -> dict[str, int]:
    """How many more tasks each worker may get: what it offered, and never more than its limit less what it holds. An
    offer may have been sent before its worker saw its newest grant."""
    held: dict[str, int] = {}
    for task in board.of_mesh(mesh_id):
        if task.held is not None:
            held[task.held.worker] = held.get(task.held.worker, 0) + 1
    room = {}
    for agent in agents:
        offer = state.offers.get(agent.peer_id)
        if offer is not None and agent.live and not agent.draining and now - offer.at <= OFFER_LASTS_S:
            room[agent.peer_id] = min(offer.free, agent.max_tasks - held.get(agent.peer_id, 0))
    return room


def _all_answered(state: AdminState, agents: list[Agent]) -> bool:
    able = {agent.peer_id for agent in agents if agent.live and agent.docker and agent.max_tasks and not agent.draining}
    return bool(able) and able <= set(state.offers)


def fits(task: Task, offer: Offer) -> bool:
    """Whether a worker may be considered at all."""
    announced = task.announced
    assert announced is not None
    return offer.peer_id not in task.unfit() and announced.spec.role in ("", offer.role)


def score(task: Task, offer: Offer, board: Board, mesh_id: str) -> tuple[float, str]:
    """How well a worker fits, 0 to 1, and why in words."""
    announced = task.announced
    assert announced is not None
    spec = announced.spec
    fit = 1.0 if spec.image or not spec.language or spec.language in offer.languages else 0.3
    wanted = set(spec.expertise)
    expertise = len(wanted & set(offer.expertise)) / len(wanted) if wanted else 1.0
    room = min(offer.free, 4) / 4
    good, bad = record(board, mesh_id, offer.peer_id)
    past = (good + 1) / (good + bad + 2)
    total = WEIGHTS["fit"] * fit + WEIGHTS["expertise"] * expertise + WEIGHTS["room"] * room + WEIGHTS["record"] * past
    words = f"fit {fit:.1f}, expertise {expertise:.1f}, room for {offer.free}, {good} done and {bad} lost before"
    return round(total, 6), words


def record(board: Board, mesh_id: str, peer_id: str) -> tuple[int, int]:
    """How many attempts of a worker came to a result, and how many were lost."""
    ends = [g.ended for task in board.of_mesh(mesh_id) for g in task.grants if g.worker == peer_id]
    return sum(e in ("accepted", "failed") for e in ends), sum(e in ("expired", "released") for e in ends)


# ── in words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def waiting_for(task: Task, agents: list[Agent], *, no_admin: str) -> str:
    """Why an open task is not granted yet."""
    announced = task.announced
    assert announced is not None
    if no_admin:
        return no_admin
    here = [agent for agent in agents if agent.live and agent.max_tasks]
    if not here:
        return "no agent is in reach; start one with: chorus-tui --headless"
    able = [agent for agent in here if agent.docker]
    if not able:
        return f"no agent in reach has a Docker Engine ({', '.join(agent.name for agent in here)})"
    role = announced.spec.role
    if role and not any(agent.role == role for agent in able):
        return f"no agent in reach has the role {role}"
    if all(agent.draining for agent in able):
        return "all agents in reach are stopping"
    if task.grants:
        return f"attempt {len(task.grants)} {task.grants[-1].ended}; another agent is looked for"
    if all(agent.running >= agent.max_tasks for agent in able):
        return "all agents in reach are busy"
    return "offers are gathered"
