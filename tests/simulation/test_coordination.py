"""Coordination on a simulated mesh: one session a pair, whoever is the admin; agreed by words; escalated once; silence after that."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from chorus_tui.contract.models.coordination import ListSessions, OpenSession, SayInSession, SessionRef
from chorus_tui.contract.models.tasks import CancelTask
from chorus_tui.contract.problem import Problem
from tests.simulation.engines import until
from tests.simulation.talk import Talk, everything, talk
from tests.simulation.test_meeting import one_mesh

PAIRS = {
    "API_Contract": ("Design the API", "Implement the client"),
    "Database_Schema": ("Add a migration", "New table of orders"),
    "Configuration_Dependency": ("Read the config", "Set the environment"),
    "Security_Compliance": ("Rotate the token", "Check permissions"),
}


async def two_tasks(
    made: Talk, one: str, other: str, pair: tuple[str, str] = PAIRS["Database_Schema"]
) -> tuple[str, str]:
    """One task each in two repositories."""
    return await made.announce_in(one, "one", pair[0]), await made.announce_in(other, "two", pair[1])


async def open_everywhere(made: Talk, count: int = 1) -> str:
    """The id of the newest session once every peer has ``count`` with a plan."""
    await until(
        "sessions with a plan", lambda: all(
            len(found := made.sessions(name)) == count and all(one.plan for one in found) for name in made.coordination
        ),
    )  # fmt: skip
    return str(made.sessions(next(iter(made.coordination)))[-1].session_id)


def said(made: Talk, type_: str) -> list[Any]:
    """Every entry of a type that any living peer's feed holds, once each."""
    found: dict[str, Any] = {}
    for service in made.coordination.values():
        held = {
            "dependency_alert": service.sessions.alerts, "coordination_request": service.sessions.requests,
            "coordination_complete": service.sessions.completions, "escalation_trigger": service.sessions.triggers,
            "meta_discussion": service.sessions.words,
        }[type_]  # fmt: skip
        for by_hash in held.values():
            found |= by_hash
    return list(found.values())


async def say(made: Talk, name: str, session_id: str, text: str, intent: Any = "word") -> Any:
    return await made.coordination[name].doors.say(SayInSession(session_id=session_id, text=text, intent=intent), None)


async def status(made: Talk, name: str, session_id: str) -> str:
    return str((await made.coordination[name].doors.show(SessionRef(session_id=session_id), None)).status)


@pytest.mark.parametrize("rule", sorted(PAIRS))
async def test_each_rule_opens_one_session_that_its_participants_agree_in(autojump_clock, rule):
    """An alert, a session, a plan; both announcers take part; words agree; every peer shows the same end, and both tasks name
    each other."""
    async with talk(1, "a", "b", "c") as made:
        first, second = await two_tasks(made, "b", "c", PAIRS[rule])
        session_id = await open_everywhere(made)
        view = await made.coordination["c"].doors.show(SessionRef(session_id=session_id), None)
        await say(made, "b", session_id, "I take the first step", "proposal")
        await say(made, "c", session_id, "Sounds good")
        for name in "abc":
            await until("it is resolved", lambda name=name: made.sessions(name)[0].status == "resolved")
        await trio.sleep(60)
        shown = await made.state("a", first)
        listed = await made.coordination["a"].doors.sessions(ListSessions(), None)

        assert (view.rule, sorted(view.participants), view.plan.made_by) == (rule, ["b", "c"], "rules")
        assert [task.task_id for task in view.tasks] == [first, second]
        assert view.session_id.startswith("dep_")
        assert [(one.task_id, one.session_id, one.status) for one in shown.coordinated] == [
            (second, session_id, "resolved")
        ]
        assert [
            len(said(made, kind)) for kind in ("dependency_alert", "coordination_request", "coordination_complete")
        ] == [1, 1, 1]
        assert not said(made, "escalation_trigger")
        assert listed.sessions == [], "what has ended leaves the list"


async def test_the_same_repository_and_other_words_open_nothing(autojump_clock):
    """However long they are open side by side."""
    async with talk(2, "a", "b") as made:
        await made.announce_in("a", "one", "Add a migration")
        await made.announce_in("b", "one", "New table of orders")
        await made.announce_in("b", "two", "Draw a tree")
        await trio.sleep(120)

        assert not said(made, "dependency_alert")
        assert not made.sessions("b")


async def test_a_pair_has_one_session_through_a_change_of_admin_and_a_restart(autojump_clock):
    """The admin dies right after the alert; the next one goes on from there. It comes back; everybody restarts: still one alert,
    one session, one plan that counts."""
    async with talk(3, "a", "b", "c", "d") as made:
        await until("three voters", lambda: all(len(p.control.voters) == 3 for p in made.at.peers.values()))
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        one, other = [name for name in "abcd" if name != admin][:2]
        await two_tasks(made, one, other)
        await until("it is told", lambda: all(service.sessions.alerts for service in made.coordination.values()))
        images = made.kill(admin)
        made.coordination.pop(admin)
        session_id = await open_everywhere(made)
        await made.start(admin, images=images)
        await trio.sleep(120)
        for name in [name for name in made.at.peers if name != admin]:
            images = made.kill(name)
            made.coordination.pop(name)
            await trio.sleep(60)
            await made.start(name, images=images)
            await trio.sleep(60)
        await until("one mesh", lambda: one_mesh(list(made.at.peers.values())))
        await trio.sleep(120)

        assert {one.session_id for name in made.coordination for one in made.sessions(name)} == {session_id}
        assert len(said(made, "dependency_alert")) == 1
        assert len(said(made, "coordination_request")) == 1
        assert {name: len(made.sessions(name)) for name in made.coordination} == dict.fromkeys(made.coordination, 1)


async def test_ten_words_without_agreement_escalate_once_and_a_person_has_the_last_word(autojump_clock):
    """Escalated at the tenth word, not before; once; it stands in the inbox until the person speaks; the person's
    agreement ends it."""
    async with talk(4, "a", "b", "c", "p", people=["p"]) as made:
        await two_tasks(made, "b", "c")
        session_id = await open_everywhere(made)
        for number in range(9):
            await say(made, "bc"[number % 2], session_id, f"but {number}", "concern")
        await trio.sleep(60)
        before = [await status(made, name, session_id) for name in "abcp"]
        await say(made, "c", session_id, "but still", "concern")
        for name in "abcp":
            await until("it is escalated", lambda name=name: made.sessions(name)[0].status == "escalated")
        await trio.sleep(120)
        waiting = made.coordination["p"].doors.waiting()
        told = await made.coordination["p"].doors.answer(waiting[0], "agree", "b goes first", None)
        for name in "abcp":
            await until("it is resolved", lambda name=name: made.sessions(name)[0].status == "resolved")

        assert before == ["active"] * 4
        assert [(one.message.cause, one.message.reason) for one in said(made, "escalation_trigger")] == [
            ("messages", "10 messages without agreement")
        ]
        assert [one.subject_id for one in waiting] == [session_id]
        assert (told, made.coordination["p"].doors.waiting()) == ("Agreed; the session ends", [])
        assert len(said(made, "coordination_complete")) == 2
        with pytest.raises(Problem):
            await say(made, "b", session_id, "too late")


async def test_thirty_minutes_without_agreement_escalate_once(autojump_clock):
    """Not after 29; the cause is the time; a new admin does not say it again."""
    async with talk(5, "a", "b", "c") as made:
        await two_tasks(made, "b", "c")
        session_id = await open_everywhere(made)
        await trio.sleep(29 * 60 - 60)
        before = await status(made, "a", session_id)
        await until("it is escalated", lambda: made.sessions("b")[0].status == "escalated", 180)
        await trio.sleep(60)
        admin = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        images = made.kill(admin)
        made.coordination.pop(admin)
        await trio.sleep(120)
        await made.start(admin, images=images)
        await trio.sleep(300)

        assert before == "active"
        assert [one.message.cause for one in said(made, "escalation_trigger")] == ["time"]
        assert len(said(made, "coordination_complete")) == 1


def agreeable(shown: str) -> dict[str, Any]:
    if "Make a short plan" in shown:
        return {
            "steps": ["b settles the table", "c follows"],
            "risks": ["both change it"],
            "success_criteria": ["tests pass"],
        }
    if "I need the column id" in shown:
        return {"intent": "agreement", "message": "Fine with me."}
    return {"intent": "question", "message": "I need the column id; will it stay?"}


def stubborn(shown: str) -> dict[str, Any]:
    if "Make a short plan" in shown:
        return {"nothing": []}
    return {"intent": "concern", "message": "This does not fit."}


async def test_agents_agree_by_themselves_with_the_plan_of_a_model(autojump_clock):
    """The admin's model makes the plan; one asks, the other agrees; what they were shown is marked as material."""
    async with talk(6, "a", "b", "c", models=dict.fromkeys("abc", agreeable)) as made:
        await two_tasks(made, "b", "c")
        session_id = await open_everywhere(made)
        await until("it is resolved", lambda: made.sessions("a")[0].status == "resolved")
        view = await made.coordination["a"].doors.show(SessionRef(session_id=session_id), None)

        assert view.plan.made_by.startswith("the model of ")
        assert view.plan.steps == ["b settles the table", "c follows"]
        assert [(word.intent, word.text) for word in view.thread] == [
            ("question", "I need the column id; will it stay?"), ("agreement", "Agreed. Fine with me."),
        ]  # fmt: skip
        assert {word.name for word in view.thread} == {"b", "c"}
        assert all("never an instruction" in shown for model in made.models.values() for shown in model.asked)


async def test_agents_that_do_not_agree_fall_silent_until_a_person_speaks(autojump_clock):
    """Three words each, then nothing; escalated by the time; still nothing; after a person's word one more round."""
    async with talk(7, "a", "b", "c", "p", models=dict.fromkeys("abc", stubborn), people=["p"]) as made:
        await two_tasks(made, "b", "c")
        session_id = await open_everywhere(made)
        await trio.sleep(120)
        quiet = len(made.sessions("a")[0].words)
        await until("it is escalated", lambda: made.sessions("a")[0].status == "escalated", 2000)
        await trio.sleep(120)
        silent = len(made.sessions("a")[0].words)
        await say(made, "p", session_id, "What would fit?", "question")
        await trio.sleep(120)
        after = made.sessions("a")[0].words

        assert made.sessions("a")[0].plan.message.made_by == "rules", "what the model said is no plan"
        assert (quiet, silent) == (6, 6)
        assert len(after) == 6 + 1 + 6
        assert len(said(made, "escalation_trigger")) == 1


async def test_a_session_ends_when_both_tasks_have(autojump_clock):
    """Nobody is asked to agree on what is over."""
    async with talk(8, "a", "b", "c") as made:
        tasks = await two_tasks(made, "b", "c")
        await open_everywhere(made)
        for name, task_id in zip("bc", tasks, strict=True):
            await made.services[name].announcing.cancel(CancelTask(task_id=task_id), None)
        await until("it is resolved", lambda: made.sessions("a")[0].status == "resolved")

        assert made.sessions("a")[0].resolved.message.resolution == "both tasks have ended"


async def test_a_person_opens_a_session_and_an_agent_answers(autojump_clock):
    """With members by name; the admin makes its plan; a wrong name is told."""
    async with talk(9, "a", "b", "p", models={"b": agreeable}, people=["p"]) as made:
        doors = made.coordination["p"].doors
        with pytest.raises(Problem) as wrong:
            await doors.open(OpenSession(objective="ship it", participants=["nobody"]), None)
        view = await doors.open(OpenSession(objective="ship it", participants=["b"]), None)
        await until("b has spoken", lambda: made.sessions("p")[0].words)

        assert "nobody" in wrong.value.fields["participants"]
        assert (sorted(view.participants), view.kind, view.opened_by) == (["b", "p"], "planning", "p")
        assert await status(made, "p", view.session_id) == "active"


async def test_projects_and_supervisors_are_told(autojump_clock):
    """Completion, phase and blockers on every peer, at most one update in ten seconds; what ended on a worker reaches its
    supervisor alone, at most once a minute."""
    async with talk(10, "a", "b", "boss", b="boss", a="boss") as made:
        for number in range(4):
            await made.announce("a", "sleep 2" if number else "false", project_id="web")
        await until("they ended", lambda: sum(bool(t.terminal) for t in made.services["a"].board.tasks.values()) == 4)
        await trio.sleep(130)
        shown = {
            name: (await made.coordination[name].doors.projects(None, None)).projects for name in made.coordination
        }
        reports = {
            name: (await made.coordination[name].doors.reports(None, None)).reports for name in made.coordination
        }

        for name, (project,) in shown.items():
            assert (project.project_id, project.completion, project.done, project.failed) == ("web", 75, 3, 1), name
            assert (project.phase, project.blockers) == ("blocked", ["“t” failed: exit_code"])
        updates = sum([said["type"] == "project_update" for name in shown for said in await everything(made, name)])
        assert 1 <= updates <= 4, "told on change alone, and at most every 10 s"
        workers = {grant.worker for t in made.services["a"].board.tasks.values() for grant in t.grants}
        expected = {name for name in "ab" if made.at.peers[name].peer_id in workers}
        assert {report.name for report in reports["boss"]} == expected
        assert reports["a"] == reports["b"] == []
