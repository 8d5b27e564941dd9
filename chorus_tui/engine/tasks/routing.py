"""Who fits a task, and how well. Pure.

A worker fits when it has the role a task asks for and at least one of its areas of expertise, as the mesh granted them:
what a worker says of itself is a wish. Two names are the same when they give the same topic. Among those that fit the
score decides; it has room for people to see why.
"""

from __future__ import annotations

from dataclasses import dataclass

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Task

WEIGHTS = {"fit": 0.35, "expertise": 0.25, "room": 0.20, "record": 0.20}


@dataclass(frozen=True, slots=True)
class Agent:
    """A peer that may work, as others know it. ``role`` and ``expertise`` are those the mesh granted."""

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
    approval: str = "auto"
    """What it asks of people before it takes a task: auto, risky or always."""
    models: bool = False
    """Whether a language model answers it: without one it cannot take a goal."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A worker's standing offer: how much room it has, and what it can run."""

    peer_id: str
    free: int
    languages: tuple[str, ...]
    at: float


def fits(spec: TaskSpec, role: str, expertise: tuple[str, ...]) -> bool:
    """Whether somebody of this role and expertise may have the task."""
    return has_role(spec, role) and has_expertise(spec, expertise)


def able(spec: TaskSpec, agents: list[Agent]) -> list[Agent]:
    """Workers in reach that can run tasks and fit this one."""
    return [
        a for a in agents
        if a.live and a.max_tasks and a.docker and (a.models or not spec.goal) and fits(spec, a.role, a.expertise)
    ]  # fmt: skip


def has_role(spec: TaskSpec, role: str) -> bool:
    """Whether it is the role asked for; any will do when none is."""
    return not spec.role or (bool(role) and topics.part(role) == topics.part(spec.role))


def has_expertise(spec: TaskSpec, expertise: tuple[str, ...]) -> bool:
    """Whether one of the areas asked for is among these; none is needed when none is asked for."""
    return not spec.expertise or _common(spec, expertise) > 0


def _common(spec: TaskSpec, expertise: tuple[str, ...]) -> int:
    return len({topics.part(area) for area in spec.expertise} & {topics.part(area) for area in expertise})


def lacking(spec: TaskSpec, agents: list[Agent]) -> str:
    """What none of these has, in words; empty when somebody fits."""
    if any(fits(spec, agent.role, agent.expertise) for agent in agents):
        return ""
    needs = []
    if spec.role:
        needs.append(f"role {spec.role}")
    if spec.expertise and not any(has_role(spec, a.role) and has_expertise(spec, a.expertise) for a in agents):
        needs.append(f"expertise {' or '.join(spec.expertise)}")
    if spec.role and any(has_role(spec, agent.role) for agent in agents):
        needs = needs[1:]
    return f"nobody in reach fits: needs {' and '.join(needs)}"


@dataclass(frozen=True, slots=True)
class Score:
    """How well a worker that fits does: ``total`` and each of ``parts`` from 0 to 1, and why in words."""

    total: float
    parts: dict[str, float]
    words: str


def score(task: Task, agent: Agent, offer: Offer, board: Board) -> Score:
    """How well a worker that fits does."""
    announced = task.announced
    assert announced is not None
    spec = announced.spec
    fit = 1.0 if spec.image or not spec.language or spec.language in offer.languages else 0.3
    wanted = len({topics.part(area) for area in spec.expertise})
    expertise = _common(spec, agent.expertise) / wanted if wanted else 1.0
    room = min(offer.free, 4) / 4
    good, bad = record(board, task.key[0], agent.peer_id)
    past = (good + 1) / (good + bad + 2)
    parts = {"fit": fit, "expertise": expertise, "room": room, "record": past}
    total = sum(weight * parts[name] for name, weight in WEIGHTS.items())
    words = f"fit {fit:.1f}, expertise {expertise:.1f}, room for {offer.free}, {good} done and {bad} lost before"
    return Score(round(total, 6), {name: round(part, 4) for name, part in parts.items()}, words)


def record(board: Board, mesh_id: str, peer_id: str) -> tuple[int, int]:
    """How many attempts of a worker came to a result, and how many were lost."""
    ends = [g.ended for task in board.of_mesh(mesh_id) for g in task.grants if g.worker == peer_id]
    return sum(e in ("accepted", "failed", "budget_exhausted") for e in ends), sum(
        e in ("expired", "released") for e in ends
    )
