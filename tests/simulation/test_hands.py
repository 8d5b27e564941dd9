"""People as workers on a simulated mesh: claimed by one, submitted, accepted once; tried again under a new name."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import trio

from chorus_tui.contract.models.tasks import ClaimTask, ReleaseTask, RetryTask, SubmitTask
from chorus_tui.contract.problem import Problem
from tests.simulation.engines import until
from tests.simulation.shop import Shop, accepted, decisions, shop
from tests.simulation.test_meeting import one_mesh

PATCH = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n"


async def with_people(made: Shop, *names: str, **options: Any) -> None:
    """These people join the mesh; their engines run nothing by themselves."""
    people = [await made.start(name, kind="human", max_tasks=0, **options) for name in names]
    await until("one mesh", lambda: one_mesh([*made.at.peers.values(), *people]))


def file(content: bytes, name: str = "x.patch") -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(content).decode()}


async def here(made: Shop, name: str, task_id: str) -> None:
    await until("it has arrived", lambda: made.services[name].board.find(task_id))


async def test_a_claimed_task_is_worked_on_by_hand_and_its_patch_is_accepted(autojump_clock):
    """Claimed: shown as running by hand on every board, no sandbox starts, and it is nobody else's. Submitted: accepted
    once, with the file as artifact."""
    async with shop(30, "a", max_tasks=0) as made:
        await with_people(made, "p", "q")
        task_id = await made.announce("a", "write it")
        await here(made, "p", task_id)
        await here(made, "q", task_id)
        view = await made.services["p"].hands.claim(ClaimTask(task_id=task_id), None)
        await trio.sleep(200)
        with pytest.raises(Problem) as taken:
            await made.services["q"].hands.claim(ClaimTask(task_id=task_id), None)
        with pytest.raises(Problem) as not_held:
            await made.services["q"].hands.submit(SubmitTask(task_id=task_id, kind="failed", reason="no"), None)
        later = await made.state("a", task_id)
        done = await made.services["p"].hands.submit(SubmitTask(task_id=task_id, kind="patch", file=file(PATCH)), None)

        assert (view.state, view.detail, view.attempts[0].by_hand) == ("running", "by hand: p works on it", True)
        assert (later.state, later.holder_name) == ("running", "p")
        assert "somebody else works on it" in taken.value.detail
        assert not_held.value.code == "not-held"
        assert (done.state, done.result.artifacts[0].path, "+new" in done.result.output_tail) == (
            "completed",
            "x.patch",
            True,
        )
        assert (await made.ended("q", task_id)).state == "completed"
        assert accepted(made.at.peers["a"], task_id) == 1
        assert not sum(executor.started for executor in made.executors.values())


async def test_two_who_claim_at_once_get_one_grant(autojump_clock):
    """One has it, the other is told."""
    async with shop(31, "a", max_tasks=0) as made:
        await with_people(made, "p", "q")
        task_id = await made.announce("a", "write it")
        await here(made, "p", task_id)
        await here(made, "q", task_id)
        outcomes: list[str] = []

        async def claim(name: str) -> None:
            try:
                await made.services[name].hands.claim(ClaimTask(task_id=task_id), None)
                outcomes.append("granted")
            except Problem as problem:
                outcomes.append(problem.detail)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(claim, "p")
            nursery.start_soon(claim, "q")

        assert min(outcomes) == "granted"
        assert "somebody else" in sorted(outcomes)[1]
        assert [type_ for type_, _ in decisions(made.at.peers["a"])] == ["task_granted"]


async def test_of_two_claims_in_one_round_the_second_is_refused(autojump_clock):
    """Before anything is decided the admin already promises the task to one only."""
    async with shop(36, "a", max_tasks=0) as made:
        await with_people(made, "p", "q")
        task_id = await made.announce("a", "write it")
        frame = {"kind": "claim", "task_id": task_id, "mesh_id": made.at.peers["a"].control.mesh_id}
        answers = [made.services["a"].admin.hear(made.at.peers[name].peer_id, frame) for name in ("p", "q")]

        assert answers == [{"kind": "noted"}, {"kind": "refused", "why": "somebody else asks for it"}]


async def test_a_claim_outlives_a_restart_and_is_given_back_by_hand_only(autojump_clock):
    """A person's engine restarts: the claim holds. Given back, an agent does the task."""
    async with shop(32, "a", max_tasks=0) as made:
        await with_people(made, "p")
        task_id = await made.announce("a", "sleep 1")
        await here(made, "p", task_id)
        await made.services["p"].hands.claim(ClaimTask(task_id=task_id), None)
        await made.start("p", images=made.kill("p"), kind="human", max_tasks=0)
        await made.start("b")
        await trio.sleep(100)
        still = await made.state("a", task_id)
        await made.services["p"].hands.release(ReleaseTask(task_id=task_id, reason="too hard"), None)
        view = await made.ended("a", task_id)

        assert (still.state, still.holder_name) == ("running", "p")
        assert [(attempt.ended, attempt.worker_name) for attempt in view.attempts] == [
            ("released", "p"),
            ("accepted", "b"),
        ]
        assert view.attempts[0].reason == "given back by hand: too hard"


async def test_a_person_without_the_role_cannot_claim_and_without_an_admin_nobody_can(autojump_clock):
    """Both are told why."""
    async with shop(33, "a", max_tasks=0) as made:
        await with_people(made, "p", role="writer")
        wrong, right = await made.announce("a", "true", role="lawyer"), await made.announce("a", "true", role="Writer")
        await here(made, "p", right)
        with pytest.raises(Problem) as refused:
            await made.services["p"].hands.claim(ClaimTask(task_id=wrong), None)
        made.kill("a")
        await trio.sleep(60)
        with pytest.raises(Problem) as alone:
            await made.services["p"].hands.claim(ClaimTask(task_id=right), None)

        assert refused.value.detail == "it needs the role lawyer, and yours is writer."
        assert alone.value.code == "no-admin"


async def test_a_retry_is_a_new_task_that_names_the_old_one_and_frees_its_dependents(autojump_clock):
    """A dependent of a failed task waits and says so; a retry of it, completed, lets it run. An open or completed task
    is not tried again."""
    async with shop(34, "a", max_tasks=0) as made:
        await with_people(made, "p")
        first = await made.announce("a", "write it")
        second = await made.announce("a", "then this", depends_on=[first])
        await here(made, "p", second)
        hands = made.services["p"].hands
        with pytest.raises(Problem) as blocked:
            await hands.claim(ClaimTask(task_id=second), None)
        with pytest.raises(Problem) as not_ended:
            await hands.retry(RetryTask(task_id=first), None)
        await hands.claim(ClaimTask(task_id=first), None)
        failed = await hands.submit(SubmitTask(task_id=first, kind="failed", reason="no time"), None)
        waiting = await made.state("a", second)
        again = (await hands.retry(RetryTask(task_id=first), None)).task_id
        with pytest.raises(Problem) as twice:
            await hands.retry(RetryTask(task_id=first), None)
        await until("the admin has it", lambda: made.services["a"].board.find(again))
        await hands.claim(ClaimTask(task_id=again), None)
        await hands.submit(SubmitTask(task_id=again, kind="output", file=file(b"done", "out.txt")), None)
        freed = await hands.claim(ClaimTask(task_id=second), None)

        assert "depends on" in blocked.value.detail
        assert not_ended.value.code == "not-ended"
        assert (failed.state, failed.detail) == ("failed", "no time")
        assert "which failed; retry that one" in waiting.detail
        assert again in twice.value.detail
        assert (await made.state("a", again)).retry_of == first
        assert (await made.state("a", first)).retried_as == [again]
        assert freed.state == "running"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"kind": "failed"}, "reason"),
        ({"kind": "patch"}, "file"),
        ({"kind": "output", "file": {"name": "../x", "content": ""}}, "file.name"),
        ({"kind": "output", "file": {"name": "x", "content": "%"}}, "file.content"),
    ],
)
def test_a_submission_that_makes_no_sense_names_its_field(request_, field):
    """At the contract, before anything is done."""
    with pytest.raises(ValueError, match=field):
        SubmitTask(task_id="01ARZ3NDEKTSV4RRFFQ69G5FA1", **request_)


async def test_a_patch_that_is_none_is_refused(autojump_clock):
    """With the field; the claim goes on."""
    async with shop(35, "a", max_tasks=0) as made:
        await with_people(made, "p")
        task_id = await made.announce("a", "write it")
        await here(made, "p", task_id)
        await made.services["p"].hands.claim(ClaimTask(task_id=task_id), None)
        with pytest.raises(Problem) as refused:
            await made.services["p"].hands.submit(SubmitTask(task_id=task_id, kind="patch", file=file(b"hello")), None)

        assert "file.content" in refused.value.fields
        assert (await made.state("p", task_id)).state == "running"
