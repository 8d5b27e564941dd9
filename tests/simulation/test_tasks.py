"""A task on a simulated mesh, from its announcement to its one end."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import AnnounceTask, CancelTask, ReadOutput, TaskRef, WaitTask
from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.doors import Caller
from chorus_tui.engine.tasks.worker import Skills
from tests.simulation.engines import until, world
from tests.simulation.shop import Shop, accepted, shop
from tests.simulation.test_meeting import one_mesh


async def test_a_task_is_granted_run_and_accepted_once(autojump_clock):
    """Announced on one of three, completed everywhere, accepted once."""
    async with shop(1, "a", "b", "c") as made:
        task_id = await made.announce("a", "sleep 2")
        for name in ("a", "b", "c"):
            view = await made.ended(name, task_id)

            assert (view.state, view.confirmed, view.result.exit_code) == ("completed", True, 0)
        assert sum(executor.started for executor in made.executors.values()) == 1
        assert accepted(made.at.peers["a"], task_id) == 1


async def test_a_dead_worker_delays_a_task_and_nothing_more(autojump_clock):
    """The worker dies: after its lease the task is granted anew and accepted once, with both attempts shown."""
    async with shop(2, "a", "b", "c") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        task_id = await made.announce(admin, "sleep 20")
        board = made.services[admin].board
        await until("claimed", lambda: board.find(task_id).claims)
        holder = made.services[admin].name(board.find(task_id).held.worker)
        made.kill(holder)
        view = await made.ended(admin, task_id)

        assert view.state == "completed"
        assert [attempt.ended for attempt in view.attempts] == ["expired", "accepted"]
        assert accepted(made.at.peers[admin], task_id) == 1


async def test_a_failing_task_fails_once_and_an_impossible_one_says_why(autojump_clock):
    """A failure of the task ends it; an error of the worker is tried by others, then ends it with the reason."""
    async with shop(4, "a", "b") as made:
        failing = await made.announce("a", "false")
        broken = await made.announce("b", "broken")
        first, second = await made.ended("a", failing), await made.ended("a", broken)

        assert (first.state, len(first.attempts), first.result.exit_code) == ("failed", 1, 1)
        assert (second.state, len(second.attempts)) == ("failed", 2)
        assert "no such image" in second.detail


async def test_cancel_stops_the_work_everywhere(autojump_clock):
    """Cancelled by its announcer: the run ends, the task is cancelled on all peers, nothing is accepted."""
    async with shop(5, "a", "b", "c") as made:
        task_id = await made.announce("b", "sleep 1000")
        await until("running", lambda: sum(e.active for e in made.executors.values()))
        await made.services["b"].announcing.cancel(CancelTask(task_id=task_id), None)
        await until("stopped", lambda: not sum(e.active for e in made.executors.values()), 5)

        assert (await made.ended("c", task_id)).state == "cancelled"
        assert accepted(made.at.peers["a"], task_id) == 0


async def test_of_a_task_that_ended_without_output_no_more_is_awaited(autojump_clock):
    """One that was cancelled before anybody ran it: whoever asks for its output hears that there will be none, and of one that waits that
    there may be."""
    async with shop(3, "a") as made:
        doors = made.services["a"].announcing
        made.services["a"].worker.skills = Skills(0, "", ())
        task_id = await made.announce("a", "true")
        assert not (await doors.output(ReadOutput(task_id=task_id), None)).complete
        await doors.cancel(CancelTask(task_id=task_id), None)
        await made.ended("a", task_id)

        assert (await doors.output(ReadOutput(task_id=task_id), None)).complete


async def test_a_task_is_named_by_the_beginning_of_its_id(autojump_clock):
    """Shown, waited for and cancelled by as much of the id as names it alone; what several begin with is refused in words."""
    async with shop(5, "a", "b") as made:
        task_id = await made.announce("b", "sleep 1000")
        doors = made.services["b"].announcing
        shown = await doors.show(TaskRef(task_id=task_id[:10]), None)
        other = await made.announce("b", "sleep 1000")
        same = next(at for at, letter in enumerate(task_id) if letter != other[at])
        common, own = task_id[:same], task_id[: same + 1]
        waited = await doors.wait(WaitTask(task_id=own, timeout_s=0.1), None)
        with pytest.raises(Problem) as several:
            await doors.show(TaskRef(task_id=common), None)
        with pytest.raises(Problem) as none:
            await doors.show(TaskRef(task_id="123"), None)
        cancelled = await doors.cancel(CancelTask(task_id=own.lower()), None)

        assert [one.task_id for one in (shown, waited, cancelled)] == [task_id] * 3
        assert several.value.fields == {"task_id": "2 tasks begin so; give more of the id"}
        assert (none.value.status, none.value.title) == (404, "No task '123' here")
        assert not made.services["b"].board.find(other).terminal


async def test_draining_hands_the_long_task_over(autojump_clock):
    """A draining worker finishes what is short and gives back what is long; another peer completes it."""
    async with shop(6, "a", "b") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        worker = next(name for name in ("a", "b") if name != admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        short, long = await made.announce(admin, "sleep 4"), await made.announce(admin, "sleep 40")
        await until("both run", lambda: made.executors[worker].active == 2)
        await made.start("c")
        await made.services[worker].drain(10)
        first, second = await made.ended(admin, short), await made.ended(admin, long)

        assert first.attempts[0].worker_name == worker
        assert first.state == "completed"
        assert [attempt.ended for attempt in second.attempts] == ["released", "accepted"]
        assert second.attempts[1].worker_name == "c"


async def test_open_tasks_of_a_mesh_of_one_go_on_in_the_next(autojump_clock):
    """Announced in a mesh of one without workers, the task is carried into the mesh it dissolves into and completed."""
    async with world(11) as at:
        made = Shop(at)
        at.network.discovery = False
        first, second = await made.start("a", max_tasks=0), await made.start("b", max_tasks=0)
        at.network.cut(first.peer_id, second.peer_id)
        await until("both founded", lambda: first.control.is_admin and second.control.is_admin)
        larger = max((first, second), key=lambda peer: peer.control.mesh_id)
        task_id = await made.announce(larger.name, "sleep 1")
        at.network.heal()
        at.network.connect_all()
        await until("one mesh", lambda: one_mesh([first, second]))
        await made.start("c")
        at.network.connect_all()
        service = made.services[larger.name]
        await until(
            "it went on and was completed", lambda: service.follow(service.board.find(task_id)).terminal == "completed"
        )

        assert (await made.state(larger.name, task_id)).continued_as


async def test_the_phase_is_on_every_board(autojump_clock):
    """A peer that neither announced nor runs nor watches a task shows the phase it is in."""
    async with shop(17, "a", "b", "c") as made:
        task_id = await made.announce("a", "sleep 40")
        await until("it runs", lambda: sum(e.active for e in made.executors.values()))
        await trio.sleep(5)

        states = {name: (await made.state(name, task_id)).state for name in ("a", "b", "c")}

        assert states == {"a": "running", "b": "running", "c": "running"}


async def test_an_idempotency_key_is_its_callers_own(autojump_clock):
    """The same caller gets the same task again, also of another process; for anybody else it is a new key, and what they asked for is
    announced. Another request with it is refused. Nobody reads the key from the feed."""
    ana, eve = Caller(Scope.OPERATE, "ana", "tcp", "a" * 64), Caller(Scope.OPERATE, "eve", "tcp", "b" * 64)

    def wish(title: str) -> AnnounceTask:
        return AnnounceTask(spec=TaskSpec(title=title, commands=["true"]), idempotency_key="build-42")

    async with shop(43, "a", "b") as made:
        announce = made.services["a"].announcing.announce
        theirs = await announce(wish("not asked for"), eve)
        first, again = await announce(wish("asked for"), ana), await announce(wish("asked for"), ana)
        with pytest.raises(Problem) as refused:
            await announce(wish("something else"), ana)
        shown = await made.state("a", first.task_id)
        said = [entry.body for entry, _ in made.at.peers["a"].journal.store.of_types({"task_announcement"})]

    assert first == again != theirs
    assert shown.title == "asked for"
    assert (refused.value.status, refused.value.code) == (422, "idempotency-key")
    assert len(said) == 2 and not any(b"build-42" in body for body in said)
