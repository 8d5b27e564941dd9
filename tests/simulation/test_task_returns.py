"""Workers and admins that go and come back: what they held, reported late or never heard."""

from __future__ import annotations

from typing import Any

import trio

from chorus_tui.engine.tasks.worker import Skills
from tests.simulation.engines import until
from tests.simulation.shop import accepted, shop


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


async def test_an_old_lease_is_gone_and_lengthens_no_other(autojump_clock):
    """Only the holder of the present attempt renews: to the one whose lease ran out, to the holder by an older number, and to the old
    one by the present number the admin answers `gone`, and no lease changes by it; in the name of another mesh it is no admin."""
    async with shop(24, "a", "b", "c") as made:
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        made.services[admin].worker.skills = Skills(0, "", ())
        task_id = await made.announce(admin, "sleep 60")
        task, leading = made.services[admin].board.find, made.services[admin].admin
        await until("claimed", lambda: task(task_id).claims)
        old = task(task_id).held.worker
        made.at.network.partition([old], [peer.peer_id for peer in made.at.peers.values() if peer.peer_id != old])
        await until("granted anew", lambda: (held := task(task_id).held) is not None and held.attempt == 2, 60)
        holder, mesh_id = task(task_id).held.worker, made.at.peers[admin].control.mesh_id
        await trio.sleep(2)

        def renewed(who: str, attempt: int, mesh: str) -> tuple[Any, bool]:
            before = dict(leading._state.leases)
            answer = leading.hear(who, {"kind": "renew", "held": [[task_id, attempt]], "mesh_id": mesh})
            return answer.get("gone", answer["kind"]), leading._state.leases != before

        assert renewed(old, 1, mesh_id) == ([[task_id, 1]], False)
        assert renewed(old, 2, mesh_id) == ([[task_id, 2]], False)
        assert renewed(holder, 1, mesh_id) == ([[task_id, 1]], False)
        assert renewed(holder, 2, "0" * 64) == ("not_admin", False)
        assert renewed(holder, 2, mesh_id) == ([], True)


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


async def test_running_work_goes_on_while_what_was_said_is_told_anew(autojump_clock):
    """Somebody else's ended task is erased, so every feature forgets and is told everything again: a sandbox that runs meanwhile
    is not stopped, and its task is completed at its first attempt."""
    async with shop(77, "a", "b", "c") as made:
        ended = await made.announce("a", "true")
        await made.ended("a", ended)
        running = await made.announce("b", "sleep 20")
        board = made.services["a"].board
        await until("it runs", lambda: (task := board.find(running)) is not None and task.claims)
        before = sum(executor.started for executor in made.executors.values())

        cite = board.find(ended).announced.cite
        named = {name: cite[name] for name in ("author", "epoch", "seq", "hash")}
        author = next(peer for peer in made.at.peers.values() if peer.peer_id == cite["author"])
        await author.control.request("body_erased", named)
        await until("forgotten", lambda: all(service.board.find(ended) is None for service in made.services.values()))

        view = await made.ended("b", running)
        assert (view.state, view.attempt) == ("completed", 1)
        assert sum(executor.started for executor in made.executors.values()) == before
