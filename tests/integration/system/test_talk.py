"""Engines that talk, as processes of their own: help, expertise, mentors, sessions, reasons and reports, by the command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.system.peers import Mesh, Peer, eventually
from tests.integration.system.test_agents import announced, drive, ended, says
from tests.support.scripted_model import Rule, ScriptedModel

pytestmark = pytest.mark.docker


def told(text: str) -> Any:
    """A question whose instructions say this."""
    return lambda asked: text in asked.system


def helps(answer: str) -> dict[str, Any]:
    return {"can_help": True, "answer": answer, "pass_to": ""}


async def test_an_agent_asks_for_help_and_goes_on_with_the_answer_of_another(tmp_path, base_image):
    """The question reaches the other agents, their models answer, the words reach the next step; a reader sees who and why."""
    rules = [
        Rule(helps("Blue, as the sky."), when=told("Another agent does not get on")),
        Rule(says("ask_help", "Which colour?"), when="Goal: paint it", times=1),
        Rule(says("finish", "Painted blue."), when='"says": "Blue, as the sky."', times=1),
        Rule(says("shell", "sleep 0.3"), when="", must=False),
    ]

    def test(made: Mesh, model: ScriptedModel) -> None:
        alpha = made.peers[0]
        spec = {"goal": "paint it", "language": "", "budget": {"steps": 150, "tokens": 10_000_000}}
        task_id = announced(alpha, tmp_path, **spec)
        shown = ended(alpha, task_id)
        answers = [word for word in shown["words"] if word["kind"] == "answer"]
        printed = alpha.run("task", "show", task_id).stdout
        asked = [a for a in model.asked if "Another agent does not get on" in a.system]

        assert (shown["state"], shown["result"]["summary"]) == ("completed", "Painted blue.")
        assert answers and shown["holder"] not in {word["by"] for word in answers}
        assert "attempt 1, chosen: " in printed and " = fit 0.35 + expertise 0.25 + " in printed and "room" in printed
        assert f"{answers[0]['name']} answers" in printed
        assert all("never an instruction" in one.system for one in asked)
        (question,) = alpha.json("questions", "--all")["questions"]
        assert (question["kind"], question["task_id"], question["text"]) == ("help", task_id, "Which colour?")

    await drive(test, rules, tmp_path, "alpha", "beta", "gamma", CHORUS_AGENT_MAX_TASKS="1")


async def test_a_person_asks_an_expertise_and_the_expert_alone_answers(tmp_path):
    """Asked once, by the peer that the mesh granted the area; an unknown area waits, and a person may answer it."""
    rules = [Rule(helps("With a list."), when=told("those who know your area"))]

    def test(made: Mesh, model: ScriptedModel) -> None:
        environment = dict(model.environment())
        made.add("rusty", CHORUS_AGENT_EXPERTISE="rust", **environment)
        made.add("pia", CHORUS_AGENT_EXPERTISE="python", **environment)
        person: Peer = made.add("pat", kind="human")
        for peer in made.peers:
            peer.ready()
        eventually("one mesh", made.whole, 40)
        eventually(
            "they know who can answer",
            lambda: [p for p in person.json("peers")["peers"] if p["expertise"] == ["python"]],
        )
        got = person.json("ask", "How do I count?", "--expertise", "Python", "--wait", "60")
        law = person.json("ask", "May we?", "--expertise", "law")
        alpha = made.peers[0]
        eventually("it has come", lambda: len(alpha.json("questions", "--all")["questions"]) == 2)
        alpha.json("answer", law["request"][:12], "You may.")
        answered = eventually(
            "it is answered", lambda: [q for q in person.json("questions", "--all")["questions"] if q["kind"] and q["text"] == "May we?" and q["answers"]]
        )  # fmt: skip

        assert [(one["name"], one["text"]) for one in got["answers"]] == [("pia", "With a list.")]
        assert len(model.asked) == 1
        assert [(one["name"], one["text"]) for one in answered[0]["answers"]] == [("alpha", "You may.")]
        assert person.json("questions")["questions"] == []

    await drive(test, rules, tmp_path, "alpha")


async def test_a_second_attempt_begins_with_the_advice_of_a_mentor(tmp_path, base_image):
    """Who ran out of budget says what it tried; another agent advises; the next attempt's first message has its words."""
    rules = [
        Rule(helps("Finish at once."), when=told("An attempt at a task has failed"), times=1),
        Rule(
            says("finish", "Done as advised."),
            when=lambda a: "An earlier try failed" in a.last and "Finish at once." in a.last,
            times=1,
        ),
        Rule(says("shell", "echo a long way round"), when="Goal: reach it", times=1),
    ]

    def test(made: Mesh, model: ScriptedModel) -> None:
        alpha, beta = made.peers
        first = announced(alpha, tmp_path, goal="reach it", language="", budget={"steps": 1})
        spent = ended(alpha, first)
        again = alpha.json("task", "retry", first)["task_id"]
        shown = ended(alpha, again)
        advice = [word for word in shown["words"] if word["kind"] == "advice"]
        mentored = next(a for a in model.asked if "An attempt at a task has failed" in a.system)

        assert spent["state"] == "budget_exhausted"
        assert (shown["state"], shown["result"]["summary"]) == ("completed", "Done as advised.")
        assert [word["text"] for word in advice] == ["Finish at once."]
        assert advice[0]["by"] != spent["attempts"][-1]["worker"] and advice[0]["by"] in (alpha.peer_id, beta.peer_id)
        assert "a long way round" in mentored.last

    await drive(test, rules, tmp_path, "alpha", "beta", CHORUS_AGENT_MAX_TASKS="1")


async def test_two_tasks_of_two_repositories_are_coordinated_and_what_was_done_is_reported(tmp_path, base_image):
    """One session with a plan by the admin's model; agents agree in it by themselves; both tasks name it; the project and the
    supervisor are told of what has ended."""
    rules = [
        Rule({"steps": ["one settles it", "two follows"], "risks": [], "success_criteria": ["they fit"]}, when=told("Make a short plan"), times=1),
        Rule({"intent": "agreement", "message": "The plan looks good."}, when=told("You take part in a session")),
    ]  # fmt: skip

    def test(made: Mesh, _model: ScriptedModel) -> None:
        alpha, beta = made.peers
        common = ("--role", "nobody", "--command", "true")
        one = beta.announce("--title", "Add a migration", "--repository", "https://example.org/one.git", *common)
        two = alpha.announce("--title", "New table", "--repository", "https://example.org/two.git", *common)
        (session,) = eventually(
            "it is agreed", lambda: [s for s in beta.json("coordination", "sessions", "--all")["sessions"] if s["status"] == "resolved"], 60
        )  # fmt: skip
        view = alpha.json("coordination", "show", session["session_id"])
        printed = beta.run("coordination", "show", session["session_id"]).stdout
        task = alpha.run("task", "show", one).stdout

        assert (view["rule"], view["plan"]["steps"]) == ("Database_Schema", ["one settles it", "two follows"])
        assert {side["task_id"] for side in view["tasks"]} == {one, two}
        assert (
            "agreed: the participants agree" in printed and "looks good" in printed and "1. one settles it" in printed
        )
        assert f"with “New table” ({two}) in session {session['session_id']}, resolved" in task
        done = alpha.announce("--title", "say", "--command", "echo hi", "--project", "web", "--role", "worker")
        ended(alpha, done)
        worker = alpha.task(done)["holder_name"]
        projects = eventually(
            "the project is told",
            lambda: [p for p in beta.json("coordination", "projects")["projects"] if p["completion"] == 100],
        )
        assert (projects[0]["project_id"], projects[0]["phase"], projects[0]["done"]) == ("web", "done", 1)
        assert worker == "beta", "its role is asked for"
        reports = eventually("the report came", lambda: alpha.json("coordination", "reports")["reports"], 30)
        assert [(report["name"], report["done"], report["failed"]) for report in reports] == [("beta", 1, 0)]
        seen = next(peer for peer in alpha.json("peers")["peers"] if peer["name"] == "beta")
        assert (seen["reports_to"], seen["report"]["done"]) == ("alpha", 1)

    def grown(made: Mesh, model: ScriptedModel) -> None:
        environment = model.environment()
        made.grow("beta", CHORUS_AGENT_REPORTS_TO="alpha", CHORUS_AGENT_ROLE="worker", **environment)
        test(made, model)

    await drive(grown, rules, tmp_path, "alpha", CHORUS_AGENT_MAX_TASKS="1")
