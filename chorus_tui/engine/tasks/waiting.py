"""Why an open task is not granted yet, in words. Pure."""

from __future__ import annotations

from chorus_tui.engine.tasks import approval, dependencies, routing
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.task import Task

NO_ADMIN = "no admin is in reach: it is stored and will be granted when there is one"
GATHERING = "offers are gathered"


def waiting_for(task: Task, board: Board, agents: list[Agent], *, admin: bool) -> str:
    """The reason that matters most; ``admin``: whether there is one in reach."""
    announced = task.announced
    assert announced is not None
    if not admin:
        return NO_ADMIN
    return held_back(task, board) or _nobody_able(task, agents) or approval.wary(task, agents) or _busy(task, agents)


def held_back(task: Task, board: Board) -> str:
    """What keeps a task from anybody, however able: a conflict, dependencies, missing approvals. Empty: nothing does."""
    return (
        approval.conflict(task)
        or _doubted(task, board)
        or dependencies.obstacle(task, board)
        or approval.obstacle(task)
    )


def _doubted(task: Task, board: Board) -> str:
    announced = task.announced
    if announced is None:
        return ""
    start = board.doubted.get((announced.author, str(announced.cite.get("epoch"))))
    if start is None or int(announced.cite.get("seq", 0)) < start:
        return ""
    return "its announcer said two different things under one number; a master decides"


def _nobody_able(task: Task, agents: list[Agent]) -> str:
    announced = task.announced
    assert announced is not None
    here = [agent for agent in agents if agent.live and agent.max_tasks]
    if not here:
        return "no agent is in reach; start one with: chorus-tui --headless"
    able = [agent for agent in here if agent.docker]
    if not able:
        return f"no agent in reach has a Docker Engine ({', '.join(agent.name for agent in here)})"
    if announced.spec.goal:
        with_models = [agent for agent in able if agent.models]
        if not with_models:
            names = ", ".join(agent.name for agent in able)
            return f"no agent in reach has a language model, which a goal needs ({names}); see CHORUS_AI_PROVIDER"
        able = with_models
    return routing.lacking(announced.spec, able)


def _busy(task: Task, agents: list[Agent]) -> str:
    announced = task.announced
    assert announced is not None
    able = [a for a in routing.able(announced.spec, agents) if approval.enough(task, a.approval)]
    if all(agent.draining for agent in able):
        return "all agents that fit are stopping"
    if task.grants:
        return f"attempt {len(task.grants)} {task.grants[-1].ended}; another agent is looked for"
    if all(agent.running >= agent.max_tasks for agent in able):
        return "all agents that fit are busy"
    return GATHERING
