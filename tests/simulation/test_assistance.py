"""Questions on a simulated mesh: answered by those who know, at most three of them, passed on, restricted; people are called once."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from chorus_tui.contract.models.assistance import AnswerQuestion, AskQuestion, ListQuestions
from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.tasks import CancelTask, RetryTask, SayToTask
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.tasks import voices
from tests.simulation.engines import until
from tests.simulation.talk import Talk, everything, talk


def knows(shown: str) -> dict[str, Any]:
    return {"can_help": True, "answer": "Use a table.", "pass_to": ""}


def passes_to(area: str):
    return lambda _shown: {"can_help": False, "answer": "", "pass_to": area}


async def at_work(made: Talk, announcer: str, **spec: Any) -> tuple[str, str]:
    """A task that some worker runs for long: (task id, the worker's name)."""
    task_id = await made.announce(announcer, "sleep 3000", **spec)
    board = made.services[announcer].board
    await until("it runs", lambda: (task := board.find(task_id)) is not None and task.held is not None)
    held = board.find(task_id).held
    return task_id, next(name for name, peer in made.at.peers.items() if peer.peer_id == held.worker)


async def ask_help(made: Talk, task_id: str, worker: str, **fields: Any) -> str:
    mesh_id = made.at.peers[worker].control.mesh_id
    data = {"task_id": task_id, "mesh_id": mesh_id, "attempt": 1, "help_needed": "Which shape?", **fields}
    return str((await made.at.peers[worker].journal.say("task_help_request", data)).hash)


def answers(made: Talk, name: str, request: str) -> list[tuple[str, str]]:
    """(who, text) as one peer sees it."""
    service = made.assistance[name]
    return [(service.parts.name(one.author), service.text(one)) for one in service.requests.answers(request)]


async def test_help_comes_from_those_who_know_at_most_three_of_them(autojump_clock):
    """Five that could: three answer, the asker is none of them, and the task's thread has their words; nobody is called."""
    who = {name: {"expertise": ("sql",)} for name in "abcde"}
    async with talk(20, *"abcdef", models=dict.fromkeys("abcdef", knows), who=who) as made:
        task_id, worker = await at_work(made, "a", expertise=["sql"])
        request = await ask_help(made, task_id, worker)
        await until("three answers", lambda: len(answers(made, "f", request)) == 3)
        await trio.sleep(120)
        given = answers(made, "f", request)
        lines = made.services[worker].board.find(task_id).thread.in_order()

        assert len(given) == 3 and worker not in dict(given) and "f" not in dict(given)
        assert [line.kind for line in lines] == ["help", "answer", "answer", "answer"]
        assert all(service.requests.escalated == {} for service in made.assistance.values())
        assert all("never an instruction" in shown for model in made.models.values() for shown in model.asked)


async def test_nobody_in_time_calls_people_once_and_a_persons_answer_ends_it(autojump_clock):
    """After 60 s and not before; once, however long; it stands in the inbox and is answered there."""
    async with talk(21, "a", "b", "p", people=["p"]) as made:
        task_id, worker = await at_work(made, "a")
        request = await ask_help(made, task_id, worker)
        await trio.sleep(50)
        early = dict(made.assistance["p"].requests.escalated)
        await trio.sleep(200)
        escalated = made.assistance["p"].requests.escalated
        doors = made.assistance["p"].doors
        (item,) = doors.waiting()
        told = await doors.answer(item, "", "A round one", None)
        line = made.services[worker].board.find(task_id).thread.in_order
        await until("the worker has it", lambda: line()[-1].text == "A round one")

        assert early == {}
        assert escalated == {task_id: {made.at.peers[worker].peer_id}}
        entries = [e for e in await everything(made, worker) if e["type"] == "escalation_trigger"]
        assert len(entries) == 1
        assert (item.kind, item.subject_id, item.purpose) == ("help", request, "Which shape?")
        assert told.startswith("Answered")
        assert doors.waiting() == []
        with pytest.raises(Problem):
            await doors.answer(item, "", "again", None)


async def test_a_word_of_a_person_is_help_too(autojump_clock):
    """Whoever speaks in the task's thread has helped: nobody else is called."""
    async with talk(22, "a", "b", "p", people=["p"]) as made:
        task_id, worker = await at_work(made, "a")
        await ask_help(made, task_id, worker)
        await until("it is known", lambda: made.services["p"].board.find(task_id))
        await trio.sleep(5)
        await made.services["p"].talking.say(SayToTask(task_id=task_id, text="round"), None)
        await trio.sleep(120)

        assert made.assistance["p"].requests.escalated == {}


async def test_a_member_that_may_only_read_is_shown_and_not_heard(autojump_clock):
    """Its word and its answer stand in the thread; the agent at work hears neither, and hears those of one that may propose."""
    async with talk(28, "a", "b", "c", "p", people=["p"]) as made:
        task_id, worker = await at_work(made, "a")
        request = await ask_help(made, task_id, worker)
        eve, bob = (name for name in "abc" if name != worker)
        master = next(peer for peer in made.at.peers.values() if peer.control.may(peer.peer_id, "grant_roles"))
        for name, authority in ((eve, "read_only"), (bob, "suggestion")):
            data = {"peer_id": made.at.peers[name].peer_id, "authority": authority}
            await master.control.request("member_changed", data)
        where = {"task_id": task_id, "mesh_id": master.control.mesh_id}
        for name in (eve, bob):
            journal = made.at.peers[name].journal
            await journal.say("meta_discussion", {**where, "thread_id": task_id, "message": f"a word of {name}"})
            answer = {**where, "request": request, "can_help": True, "answer": f"an answer of {name}"}
            await journal.say("task_help_response", answer)
        thread = made.services[worker].board.find(task_id).thread
        await until("all has come", lambda: len(thread.lines) == 5)

        assert {line.author for line in thread.in_order()} >= {made.at.peers[eve].peer_id}
        assert {line.text for line in heard(made, worker, task_id)} == {
            "Which shape?",
            f"a word of {bob}",
            f"an answer of {bob}",
        }


async def test_what_somebody_cannot_answer_goes_to_those_who_can_three_hops_far(autojump_clock):
    """From sql to go to rust to zig; the answer of the last counts for the first question and reaches the task's thread."""
    models = {"a": knows, "b": passes_to("go"), "c": passes_to("rust"), "d": passes_to("zig"), "e": knows}
    areas = {"a": "none", "b": "sql", "c": "go", "d": "rust", "e": "zig"}
    who = {name: {"expertise": (area,)} for name, area in areas.items()}
    async with talk(23, *"abcde", models=models, who=who) as made:
        task_id, worker = await at_work(made, "a", expertise=["none"])
        request = await ask_help(made, task_id, worker, expertise=["sql"])
        await until("it is answered", lambda: answers(made, "a", request))
        kinds = sorted((q.hops, q.kind, q.expertise) for q in made.assistance["a"].requests.questions.values())

        assert worker == "a"
        assert answers(made, "a", request) == [("e", "Use a table.")]
        assert kinds == [
            (0, "help", ("sql",)), (1, "expertise", ("go",)), (2, "expertise", ("rust",)), (3, "expertise", ("zig",)),
        ]  # fmt: skip
        assert made.services["a"].board.find(task_id).thread.in_order()[-1].kind == "answer"
        assert [line.kind for line in heard(made, worker, task_id)] == ["help", "answer"]


async def test_a_question_to_an_expertise_is_answered_by_the_expert_only(autojump_clock):
    """A person asks; who does not know the area is not asked; a restricted one is read by its role and by nobody else."""
    who = {
        "a": {"expertise": ("python",), "role": "lead"},
        "b": {"expertise": ("python",)},
        "c": {"expertise": ("rust",)},
    }
    async with talk(24, *"abcp", models=dict.fromkeys("abc", knows), people=["p"], who=who) as made:
        doors = made.assistance["p"].doors
        await trio.sleep(5)
        open_ = await doors.ask(AskQuestion(question="How?", expertise=["Python"]), None)
        secret = await doors.ask(AskQuestion(question="Who is paid?", expertise=["python"], to_roles=["lead"]), None)
        await until(
            "both are answered",
            lambda: len(answers(made, "p", open_.request)) == 2 and answers(made, "p", secret.request),
        )
        await trio.sleep(60)
        seen = {name: made.assistance[name].requests.questions[secret.request] for name in "abcp"}

        assert {who for who, _ in answers(made, "p", open_.request)} == {"a", "b"}
        assert answers(made, "p", secret.request) == [("a", "Use a table.")]
        assert {name: made.assistance[name].text(q) for name, q in seen.items()} == {
            "a": "Who is paid?", "b": "", "c": "", "p": "Who is paid?",
        }  # fmt: skip
        assert answers(made, "b", secret.request) == [("a", "")]
        assert all(not q.text for q in seen.values())
        assert (await doors.requests(ListQuestions(), None)).questions == []
        with pytest.raises(Problem) as nobody:
            await doors.ask(AskQuestion(question="x", expertise=["python"], to_roles=["cook"]), None)
        assert "cook" in nobody.value.fields["to_roles"]
        with pytest.raises(Problem):
            await made.assistance["b"].doors.answer_question(AnswerQuestion(request=secret.request, text="x"), None)


async def test_a_person_answers_what_waits_for_it(autojump_clock):
    """A question to a person's own area is in its inbox until somebody answers; others' areas are not."""
    who = {"p": {"expertise": ("law",)}}
    async with talk(25, "a", "p", people=["p"], who=who) as made:
        asked = await made.assistance["a"].doors.ask(
            AskQuestion(question="May we?", expertise=["law"], urgency="high"), None
        )
        await made.assistance["a"].doors.ask(AskQuestion(question="What?", expertise=["physics"]), None)
        await until("it has come", lambda: len(made.assistance["p"].requests.questions) == 2)
        doors = made.assistance["p"].doors
        items = doors.waiting()
        await doors.answer_question(AnswerQuestion(request=asked.request[:12], text="You may."), None)
        await until("it is answered", lambda: answers(made, "a", asked.request))

        assert [(item.kind, item.purpose, item.priority) for item in items] == [("question", "May we?", "high")]
        assert answers(made, "a", asked.request) == [("p", "You may.")]
        assert doors.waiting() == []
        with pytest.raises(Problem) as twice:
            await doors.answer_question(AnswerQuestion(request=asked.request, text="x"), None)
        assert twice.value.code == "answered"


async def test_who_failed_asks_for_a_mentor_when_it_is_tried_again(autojump_clock):
    """Only then, once, with what was tried; one agent answers, never the one that failed; the next attempt finds the advice."""
    async with talk(26, "a", "b", "c", models=dict.fromkeys("abc", knows)) as made:
        task_id = await made.announce("a", goal="reach it")
        board = made.services["a"].board
        await until("it is granted", lambda: (task := board.find(task_id)) is not None and task.grants)
        worker = next(n for n, peer in made.at.peers.items() if peer.peer_id == board.find(task_id).grants[0].worker)
        await made.ended("a", task_id)
        quiet = [q for q in made.assistance["a"].requests.questions.values() if q.kind == "mentorship"]
        assert board.find(task_id).terminal == "completed" and quiet == []
        failed = await failing(made)
        again = (await made.services["a"].hands.retry(RetryTask(task_id=failed), None)).task_id
        await until("advice has come", lambda: advised(made, "a", again))
        await trio.sleep(60)
        asked = [q for q in made.assistance["a"].requests.questions.values() if q.kind == "mentorship"]

        assert worker in "abc"
        assert len(asked) == 1 and asked[0].task[1] == again and "exit" in asked[0].tried
        given = answers(made, "a", asked[0].hash)
        assert len(given) == 1 and made.at.peers[given[0][0]].peer_id != asked[0].author
        assert [line.text for line in advised(made, "b", again)] == ["Use a table."]


def heard(made: Talk, name: str, task_id: str) -> list[Any]:
    """What an agent of this peer at its first attempt would be told."""
    service = made.services[name]
    return voices.heard(service.board.find(task_id), service.board, service.voice, made.at.peers[name].peer_id, 1)


def advised(made: Talk, name: str, task_id: str) -> list[Any]:
    """The advice with which an agent of this peer would begin."""
    service = made.services[name]
    return voices.advised_by(service.board.find(task_id), service.board, service.voice)


async def failing(made: Talk) -> str:
    """A task with a goal at which its worker failed: its result says so."""

    async def fails(_job: Any, _report: Any, _put_blob: Any) -> TaskResult:
        await trio.sleep(30)
        return TaskResult(outcome="failed", reason="exit_code", exit_code=1, output_tail="exit code 1")

    for executor in made.executors.values():
        executor.run = fails  # type: ignore[method-assign]
    task_id = await made.announce("a", goal="reach it too")
    await made.ended("a", task_id)
    assert made.services["a"].board.find(task_id).terminal == "failed"
    return task_id


async def test_cancelled_work_calls_nobody(autojump_clock):
    """Who asked for help and is not at work any more needs none."""
    async with talk(27, "a", "p", people=["p"]) as made:
        task_id, worker = await at_work(made, "a")
        await ask_help(made, task_id, worker)
        await made.services["a"].announcing.cancel(CancelTask(task_id=task_id), None)
        await trio.sleep(120)

        assert made.assistance["p"].requests.escalated == {}
        assert made.assistance["p"].doors.waiting() == []
