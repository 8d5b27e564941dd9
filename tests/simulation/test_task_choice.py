"""Who may have a task, and when: dependencies, roles, expertise, on a simulated mesh."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import CancelTask
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.tasks import ids
from tests.simulation.engines import until
from tests.simulation.shop import decisions, shop
from tests.simulation.test_meeting import one_mesh


async def test_a_task_runs_only_after_those_it_depends_on(autojump_clock):
    """Announced all at once: each waits, says for what, and starts when the one before is accepted."""
    async with shop(12, "a", "b") as made:
        first = await made.announce("a", "sleep 20")
        await until("it has arrived", lambda: made.services["b"].board.find(first))
        second = await made.announce("b", "sleep 1", depends_on=[first])
        await until("the first runs", lambda: sum(e.active for e in made.executors.values()) == 1)
        await trio.sleep(5)

        waiting = await made.state("a", second)
        one, two = await made.ended("a", first), await made.ended("b", second)

        assert (waiting.state, "depends on" in waiting.detail) == ("waiting", True)
        assert (one.state, two.state) == ("completed", "completed")
        types = decisions(made.at.peers["b"])
        assert types.index(("task_accepted", first)) < types.index(("task_granted", second))


async def test_a_circle_made_by_two_at_once_is_shown_and_stops_nobody_else(autojump_clock):
    """Two peers that do not know of each other's task announce a circle: both say so, a third task runs, and cancelling
    one of them is told to the other."""
    async with shop(13, "a", "b") as made:
        one, two = ids.ulid(1.0, b"\1" * 10), ids.ulid(1.0, b"\2" * 10)
        mesh_id = made.at.peers["a"].control.mesh_id
        for name, task_id, other in (("a", one, two), ("b", two, one)):
            spec = TaskSpec(title=f"task of {name}", commands=["true"], depends_on=[other]).model_dump()
            await made.at.peers[name].journal.say(
                "task_announcement", {"task_id": task_id, "mesh_id": mesh_id, "spec": spec}
            )
        free = await made.announce("b", "sleep 1")

        assert (await made.ended("a", free)).state == "completed"
        for name, task_id in (("a", one), ("b", two)):
            view = await made.state(name, task_id)
            assert view.state == "waiting"
            assert "waits for itself: “task of" in view.detail
        await made.services["a"].announcing.cancel(CancelTask(task_id=one), None)
        await trio.sleep(2)
        assert "was cancelled" in (await made.state("b", two)).detail


async def test_unknown_dependencies_are_refused_at_the_door(autojump_clock):
    """The field is named and nothing is announced."""
    async with shop(14, "a", "b") as made:
        with pytest.raises(Problem) as refused:
            await made.announce("a", "true", depends_on=[ids.ulid(1.0, b"\7" * 10)])

        assert refused.value.status == 422
        assert set(refused.value.fields) == {"spec.depends_on[0]"}
        assert not made.services["a"].board.tasks


async def test_a_role_is_waited_for_and_its_first_holder_gets_the_task(autojump_clock):
    """Nobody of the role: the reason says so, other workers stay idle; a newcomer with the granted role gets it."""
    async with shop(15, "a", "b") as made:
        task_id = await made.announce("a", "sleep 1", role="tester", expertise=["go", "rust"])
        await trio.sleep(10)
        waiting = await made.state("b", task_id)
        await made.start("c", role="Tester", expertise=("rust",))
        view = await made.ended("a", task_id)

        assert waiting.waiting_for == "nobody in reach fits: needs role tester and expertise go or rust"
        assert [attempt.worker_name for attempt in view.attempts] == ["c"]
        assert view.state == "completed"


async def test_topics_follow_the_granted_role_and_a_person_is_called(autojump_clock):
    """The topics of role and expertise are joined by whom the mesh gave them, and by nobody else for long; a person of
    the role asked for is told once that there is something to claim."""
    async with shop(16, "a") as made:
        person = await made.start("p", kind="human", role="reviewer", expertise=("legal",), max_tasks=0)
        worker = await made.start("b", role="tester")
        await until("one mesh", lambda: one_mesh([made.at.peers["a"], person, worker]))
        feed = made.services["p"].parts.events.subscribe(["log"], lambda: None)
        task_id = await made.announce("b", "true", role="Reviewer")
        await trio.sleep(70)

        assert {"CHORUS/roles/reviewer/v1", "CHORUS/expertise/legal/v1"} <= person.mesh.topics.keys()
        assert "CHORUS/roles/tester/v1" in worker.mesh.topics
        assert "CHORUS/roles/reviewer/v1" not in worker.mesh.topics.keys() | made.at.peers["a"].mesh.topics.keys()
        lines = [event.data["text"] for event in feed.take().events]
        assert [line for line in lines if line.startswith("📢")] == [
            f"📢 “t” looks for somebody like you: chorus-tui task claim {task_id}"
        ]


async def test_who_comes_late_is_told_what_changed_while_nobody_listened(autojump_clock):
    """Rows are made for readers only: without one none are; the first gets every row that changed before it came, as it is now."""
    async with shop(17, "a", "b") as made:
        events = made.services["a"].parts.events
        tasks = [await made.announce("b", "true") for _ in range(2)]
        for task_id in tasks:
            await made.ended("a", task_id)
        nobody, _ = events.resume(["tasks"], lambda: None, events.epoch, 0)
        events.unsubscribe(nobody)
        feed = events.subscribe(["tasks"], lambda: None)
        await trio.sleep(3)
        rows = {event.key: event.data["state"] for event in feed.take().events}

        assert not nobody.take().events
        assert rows == dict.fromkeys(tasks, "completed")
