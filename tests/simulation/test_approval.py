"""Approval on a simulated mesh: people agree or deny, signed, and everybody sees who."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio

from chorus_tui.contract.models.tasks import JudgeTask
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.control.interface import NotAdmin
from chorus_tui.engine.tasks.routing import Agent
from tests.simulation.engines import until
from tests.simulation.shop import decisions, shop
from tests.simulation.test_hands import here, with_people


async def test_a_task_waits_for_as_many_people_as_asked_for(autojump_clock):
    """Nothing runs before two different people agreed; an agent and a second word of the same person are refused; who
    agreed, and when, is on every board."""
    async with shop(40, "a", "b") as made:
        await with_people(made, "p", "q")
        task_id = await made.announce("b", "sleep 1", approval="always", approvals=2)
        for name in ("a", "p", "q"):
            await here(made, name, task_id)
        await trio.sleep(20)
        waiting = await made.state("p", task_id)
        with pytest.raises(Problem) as agent:
            await made.services["b"].approving.approve(JudgeTask(task_id=task_id), None)
        first = await made.services["p"].approving.approve(JudgeTask(task_id=task_id, reason="fine"), None)
        with pytest.raises(Problem) as twice:
            await made.services["p"].approving.approve(JudgeTask(task_id=task_id), None)
        await trio.sleep(20)
        started = sum(executor.started for executor in made.executors.values())
        await made.services["q"].approving.approve(JudgeTask(task_id=task_id), None)
        view = await made.ended("b", task_id)

        assert (waiting.state, waiting.detail) == ("waiting", "approval 0 of 2")
        assert "people" in agent.value.detail
        assert first.detail == "approval 1 of 2"
        assert "already approved" in twice.value.detail
        assert started == 0
        assert view.state == "completed"
        assert [(word.name, word.approved, word.reason) for word in view.approvals] == [
            ("p", True, "fine"),
            ("q", True, ""),
        ]
        types = [type_ for type_, _ in decisions(made.at.peers["a"])]
        assert types == ["task_approved", "task_approved", "task_granted", "task_accepted"]


async def test_a_denied_task_is_cancelled_with_who_and_why(autojump_clock):
    """It never runs, and every board says who denied it and why."""
    async with shop(41, "a", "b") as made:
        await with_people(made, "p")
        task_id = await made.announce("b", "sleep 1", approval="risky", image="odd:latest")
        await here(made, "p", task_id)
        await until("the admin has it", lambda: made.services["a"].board.find(task_id))
        waiting = await made.state("p", task_id)
        denied = await made.services["p"].approving.deny(JudgeTask(task_id=task_id, reason="not that image"), None)
        view = await made.ended("b", task_id)

        assert waiting.detail == "approval 0 of 1: it names an image outside the table of languages"
        assert (denied.state, denied.detail) == ("cancelled", "denied by p: not that image")
        assert (view.state, view.detail) == ("cancelled", "denied by p: not that image")
        assert not sum(executor.started for executor in made.executors.values())


async def test_without_an_admin_nobody_can_approve_and_is_told(autojump_clock):
    """The word is not kept for later: it is asked for again when there is an admin."""
    async with shop(42, "a") as made:
        await with_people(made, "p")
        task_id = await made.announce("a", "true", approval="always")
        await here(made, "p", task_id)
        made.kill("a")
        await trio.sleep(60)

        with pytest.raises(NotAdmin):
            await made.services["p"].approving.approve(JudgeTask(task_id=task_id), None)


async def test_a_worker_gives_back_what_it_wants_approved_first(autojump_clock):
    """Even when the admin was not told that it asks for more than the task does: it never starts it, and after a person
    agreed it does."""
    async with shop(43, "a", "b") as made:
        await with_people(made, "p")
        for service in made.services.values():
            service.worker.skills = replace(service.worker.skills, approval="always")
        task_id = await made.announce("b", "sleep 1", max_attempts=9)
        await here(made, "p", task_id)
        await until("it was given back", lambda: made.services["p"].board.find(task_id).grants[0].ended == "released")
        held_back = sum(executor.started for executor in made.executors.values())
        reason = made.services["p"].board.find(task_id).grants[0].reason
        for service in made.services.values():
            service.parts = replace(
                service.parts, agents=lambda told=service.parts.agents: [wary(one) for one in told()]
            )
        await made.services["p"].approving.approve(JudgeTask(task_id=task_id), None)
        view = await made.ended("b", task_id)

        assert (held_back, reason) == (0, "its worker waits for a person's approval")
        assert view.state == "completed"


def wary(agent: Agent) -> Agent:
    """The agent, as the others know it once it has said that it wants people to agree first."""
    return replace(agent, approval="always")
