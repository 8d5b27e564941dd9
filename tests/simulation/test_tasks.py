"""Tasks on a simulated mesh: announced once, granted, run, accepted once, whatever happens to workers and admin."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from chorus_tui.contract.models.tasks import AnnounceTask, CancelTask, TaskRef, TaskSpec
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.simulation.stand_ins import NoBlobs, Plain, SimulatedExecutor
from chorus_tui.engine.tasks import ids
from chorus_tui.engine.tasks.parts import Parts
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.service import TaskService
from chorus_tui.engine.tasks.worker import Skills
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import one_mesh


class Shop:
    """A world whose peers also carry the tasks feature."""

    def __init__(self, at: World) -> None:
        self.at = at
        self.services: dict[str, TaskService] = {}
        self.executors: dict[str, SimulatedExecutor] = {}

    async def start(self, name: str, *, max_tasks: int = 3, **options: Any) -> Peer:
        holder: dict[str, TaskService] = {}

        def extend(peer: Peer) -> None:
            executor = self.executors.setdefault(name, SimulatedExecutor())
            parts = Parts(
                peer.peer_id, name, peer.journal, peer.control, peer.mesh, NoBlobs(), executor, None, SystemClock(),  # type: ignore[arg-type]
                SeededEntropy(name), EventBus(), Plain, lambda: self.agents(peer), lambda: ("python",),
                Skills(max_tasks, "", ()),
            )  # fmt: skip
            holder["service"] = TaskService(parts)

        peer = await self.at.start(name, extend=extend, parameters={"lease_s": 10.0}, **options)
        self.services[name] = holder["service"]
        peer.tasks_scope = await self.at.nursery.start(self._serve, peer, holder["service"])  # type: ignore[attr-defined]
        return peer

    async def _serve(self, peer: Peer, service: TaskService, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        with trio.CancelScope() as scope:
            task_status.started(scope)
            await service.run()

    def kill(self, name: str) -> tuple[bytes, bytes]:
        peer = self.at.peers[name]
        peer.tasks_scope.cancel()  # type: ignore[attr-defined]
        self.services.pop(name)
        return self.at.kill(name)

    def agents(self, seer: Peer) -> list[Agent]:
        links = seer.mesh.links()  # type: ignore[attr-defined]
        return [
            Agent(
                member.peer_id,
                member.agent_id,
                member.peer_id in links or member.peer_id == seer.peer_id,
                True,
                member.role,
                member.expertise,
                max_tasks=0 if member.kind == "human" else 3,
            )
            for member in seer.control.members.values()
        ]

    async def announce(self, name: str, *commands: str, **spec: Any) -> str:
        service = self.services[name]
        request = AnnounceTask(spec=TaskSpec(title="t", commands=list(commands), **spec))
        return (await service.announcing.announce(request, None)).task_id

    async def state(self, name: str, task_id: str) -> Any:
        return await self.services[name].announcing.show(TaskRef(task_id=task_id), None)

    async def ended(self, name: str, task_id: str, seconds: float = 120) -> Any:
        task = self.services[name].board.find
        await until("the task has ended", lambda: (t := task(task_id)) is not None and t.terminal, seconds)
        await trio.sleep(3)
        return await self.state(name, task_id)


@asynccontextmanager
async def shop(seed: int, *names: str, **options: Any):
    """A mesh of these peers with tasks."""
    async with world(seed) as at:
        made = Shop(at)
        peers = [await made.start(name, **options) for name in names]
        await until("one mesh", lambda: one_mesh(peers))
        await trio.sleep(2)
        yield made


def accepted(peer: Peer, task_id: str) -> int:
    return sum(
        '"task_accepted"' in line.replace("\\", "") and task_id in line for line in peer.control.export(0, 10_000)
    )


def decisions(peer: Peer) -> list[tuple[str, str]]:
    """What was decided of tasks, in order: (type, task id)."""
    entries = [json.loads(json.loads(line)["entry"]) for line in peer.control.export(0, 10_000) if '"entry"' in line]
    return [(entry["type"], entry["data"]["task_id"]) for entry in entries if entry["type"].startswith("task_")]


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


async def test_a_restarted_worker_gives_back_what_it_held(autojump_clock):
    """A worker that comes back releases its old grant at once instead of letting the lease run out."""
    async with shop(3, "a", "b", "c") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        task_id = await made.announce(admin, "sleep 3")
        board = made.services[admin].board
        await until("claimed", lambda: board.find(task_id).claims)
        holder = made.services[admin].name(board.find(task_id).held.worker)
        await made.start(holder, images=made.kill(holder))
        view = await made.ended(admin, task_id)

        assert [attempt.ended for attempt in view.attempts] == ["released", "accepted"]
        assert "restarted" in view.attempts[0].reason


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


async def test_a_returning_admin_gives_running_grants_a_full_lease(autojump_clock):
    """The admin is away for longer than the lease while a worker works: on its return the grant holds and is accepted."""
    async with shop(7, "a", "b") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        worker = next(name for name in ("a", "b") if name != admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        task_id = await made.announce(worker, "sleep 60")
        await until("running", lambda: made.executors[worker].active)
        left = made.kill(admin)
        await trio.sleep(30)
        await made.start(admin, images=left, max_tasks=0)
        view = await made.ended(worker, task_id, 200)

        assert [attempt.ended for attempt in view.attempts] == ["accepted"]


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


async def test_the_phase_is_on_every_board(autojump_clock):
    """A peer that neither announced nor runs nor watches a task shows the phase it is in."""
    async with shop(17, "a", "b", "c") as made:
        task_id = await made.announce("a", "sleep 40")
        await until("it runs", lambda: sum(e.active for e in made.executors.values()))
        await trio.sleep(5)

        states = {name: (await made.state(name, task_id)).state for name in ("a", "b", "c")}

        assert states == {"a": "running", "b": "running", "c": "running"}


async def test_without_an_admin_tasks_are_stored_work_goes_on_and_results_wait(autojump_clock):
    """The admin is away: a new task is stored and says so; the running one goes on past its lease; its result waits and
    is accepted once by the next admin, which also grants the waiting task. Each state says in words that no admin is
    there."""
    async with shop(18, "a", "b") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        worker = next(name for name in ("a", "b") if name != admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        running = await made.announce(worker, "sleep 60")
        await until("running", lambda: made.executors[worker].active)
        left = made.kill(admin)
        await trio.sleep(30)
        new = await made.announce(worker, "sleep 1")
        await trio.sleep(5)
        meanwhile, waiting = await made.state(worker, running), await made.state(worker, new)
        await trio.sleep(60)
        reported = await made.state(worker, running)
        await made.start(admin, images=left, max_tasks=0)
        first, second = await made.ended(worker, running, 200), await made.ended(worker, new, 200)

        assert (waiting.state, waiting.detail.startswith("no admin is in reach: it is stored")) == ("waiting", True)
        assert (meanwhile.state, "past its lease" in meanwhile.detail) == ("running", True)
        assert (reported.state, "the next one will accept it" in reported.detail) == ("result_in", True)
        assert (first.state, second.state) == ("completed", "completed")
        assert [attempt.ended for attempt in first.attempts] == ["accepted"]
        assert accepted(made.at.peers[admin], running) == 1
        assert made.executors[worker].started == 2


async def test_a_restarted_worker_reports_again_what_it_had_said(autojump_clock):
    """Its result was on its disk and with nobody else when it died: back again it reports it, nothing
    runs twice, and the attempt is accepted."""
    async with shop(19, "a", "b") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        worker = next(name for name in ("a", "b") if name != admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        task_id = await made.announce(admin, "sleep 5")
        await until("running", lambda: made.executors[worker].active)
        made.at.network.cut(made.at.peers[admin].peer_id, made.at.peers[worker].peer_id)
        await until("said", lambda: made.services[worker].board.find(task_id).report)
        left = made.kill(worker)
        made.at.network.heal()
        second = await made.announce(admin, "sleep 1")
        await made.start(worker, images=left)
        view = await made.ended(admin, task_id)
        await made.ended(admin, second)

        assert [attempt.ended for attempt in view.attempts] == ["accepted"]
        assert made.executors[worker].started == 2


async def test_a_restarted_worker_offers_only_when_its_report_has_arrived(autojump_clock):
    """While the admin has not confirmed to hold the result of what it held, it offers for nothing; then it does."""
    async with shop(22, "a", "b") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        worker = next(name for name in ("a", "b") if name != admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        await made.announce(admin, "true", role="nobody's")  # an open task is what workers offer for
        task_id = await made.announce(admin, "sleep 5")
        await until("running", lambda: made.executors[worker].active)
        made.at.network.cut(made.at.peers[admin].peer_id, made.at.peers[worker].peer_id)
        await until("said", lambda: made.services[worker].board.find(task_id).report)
        left, offers, arrived = made.kill(worker), [], trio.Event()
        leading = made.services[admin].admin
        hear, leading._round = leading.hear, trio.lowlevel.checkpoint  # type: ignore[method-assign]

        def listening(peer_id: str, frame: dict[str, Any]) -> dict[str, Any]:
            offers.extend([trio.current_time()] if frame["kind"] == "offer" else [])
            return hear(peer_id, frame)

        leading.hear = listening  # type: ignore[method-assign]
        made.at.network.heal()
        peer = await made.start(worker, images=left)
        deliver = peer.journal.deliver

        async def slowly(entry: Any, addressee: str) -> bool:
            await arrived.wait()
            return await deliver(entry, addressee)

        peer.journal.deliver = slowly  # type: ignore[method-assign]
        await trio.sleep(30)
        before = list(offers)
        arrived.set()
        await trio.sleep(10)

        assert before == []
        assert offers


async def test_a_worker_whose_control_log_was_set_back_gives_back_what_it_had_begun(autojump_clock):
    """Its feed says that it had started, its control log has not heard of the grant yet: when the grant arrives it is
    known as one of an earlier life."""
    async with shop(20, "a", "b", "c") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        worker, other = (name for name in ("a", "b", "c") if name != admin)
        made.services[other].worker.skills = Skills(0, "", ())
        before = made.at.peers[worker].databases[1].image()
        task_id = await made.announce(admin, "sleep 5")
        await until("running", lambda: made.executors[worker].active)
        feeds, _ = made.kill(worker)
        await made.start(worker, images=(feeds, before))
        view = await made.ended(admin, task_id)

        assert [attempt.ended for attempt in view.attempts] == ["released", "accepted"]
        assert view.attempts[0].reason == "its worker was restarted"


async def test_a_late_result_is_evidence_and_never_done(autojump_clock):
    """The worker is cut off until its lease is lost and another has done the task: its own result, when it arrives, is
    shown on every peer with who, which attempt and why it does not count."""
    async with shop(21, "a", "b", "c") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        task_id = await made.announce(admin, "sleep 40")
        board = made.services[admin].board
        await until("claimed", lambda: board.find(task_id).claims)
        slow = made.services[admin].name(board.find(task_id).held.worker)
        others = [name for name in ("a", "b", "c") if name != slow]
        made.at.network.partition([made.at.peers[slow].peer_id], [made.at.peers[name].peer_id for name in others])
        await made.ended(admin, task_id, 200)
        made.at.network.heal()
        for name in ("a", "b", "c"):
            held = made.services[name].board
            await until("both are here", lambda held=held: (t := held.find(task_id)).terminal and len(t.said) == 2, 200)

        for name in ("a", "b", "c"):
            view = await made.state(name, task_id)
            assert view.state == "completed"
            assert [attempt.ended for attempt in view.attempts] == ["expired", "accepted"]
            (late,) = view.evidence
            assert (late.worker_name, late.attempt) == (slow, 1)
            assert late.why == "the lease of attempt 1 had run out; attempt 2 was accepted"
        assert accepted(made.at.peers[admin], task_id) == 1


async def test_the_next_admin_takes_over_what_the_last_one_granted(autojump_clock):
    """Of three voters the admin dies for good while another peer works: the next admin grants the full lease again, the
    same attempt is accepted once, and new tasks are granted."""
    async with shop(23, "a", "b", "c") as made:
        await until("three voters", lambda: len(made.at.peers["a"].control.voters) == 3)
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        task_id = await made.announce(admin, "sleep 60")
        await until("running", lambda: sum(e.active for e in made.executors.values()))
        made.kill(admin)
        await until("another leads", lambda: any(peer.control.is_admin for peer in made.at.peers.values()))
        left = next(iter(made.at.peers))
        new = await made.announce(left, "sleep 1")
        first, second = await made.ended(left, task_id, 200), await made.ended(left, new, 200)

        assert [attempt.ended for attempt in first.attempts] == ["accepted"]
        assert (first.state, second.state) == ("completed", "completed")
        assert accepted(made.at.peers[left], task_id) == 1
