"""Rooms among real processes over libp2p: two agents with a scripted model, and a person."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.integration.system.peers import CLI, Mesh, Peer, eventually, mesh
from tests.integration.system.terminal import Terminal
from tests.support.scripted_model import Asked, Rule, scripted


def asks(field: str, words: str = "") -> Any:
    """A question with this field in its schema, about something with these words."""

    def fits(asked: Asked) -> bool:
        if field not in (asked.schema or {}).get("properties", {}):
            return False
        return words in json.loads(asked.last).get("about", {}).get("text", "")

    return fits


DISCUSS = [
    Rule({"objection": True, "text": "It has no tests"}, when=asks("objection", "Rename"), times=1),
    Rule({"objection": False, "text": ""}, when=asks("objection"), must=False),
    Rule({"act": "agree", "text": "That settles it"}, when=asks("act", "tests"), times=1),
    Rule({"say": True, "text": "Forty-two"}, when=asks("say"), times=1),
]


def person(made: Mesh) -> Peer:
    """A person's engine, as the portal would start it."""
    ana = Peer(made.folder, "ana", kind="human", CHORUS_BOOTSTRAP_PEERS=made.peers[0].address).start()
    made.peers.append(ana)
    ana.ready()
    eventually("one mesh with the person", made.whole, 40)
    return ana


def thread(peer: Peer, said: dict[str, Any]) -> dict[str, Any]:
    """The thread as this peer shows it; empty while it has not heard of it."""
    found: dict[str, Any] = peer.get(f"/api/v1/hmmm/rooms/{said['issue_id']}", thread_id=said["thread_id"]) or {}
    return found


def states(made: Mesh, said: dict[str, Any]) -> set[str]:
    """How a message stands on all peers."""
    shown = [
        {line["msg_id"]: line["state"] for line in thread(peer, said).get("lines", [])}.get(said["msg_id"], "unheard")
        for peer in made.peers
    ]
    return set(shown)


async def test_objection_discussion_agreement_and_a_late_objection_among_processes(tmp_path: Path):
    """The agent objects, is answered, agrees; the closing names who held it; a late word reopens it on all three."""
    async with scripted(DISCUSS) as model:

        def body() -> None:
            with mesh(tmp_path) as made:
                _alpha, beta = made.grow("alpha", "beta", **model.environment())
                ana = person(made)
                said = ana.json("hmmm", "propose", "shop", "Rename the table")
                assert said["delivery"]["stored"]
                eventually("objected everywhere", lambda: states(made, said) == {"objected"}, 90)
                [objection] = [line for line in thread(ana, said)["lines"] if line["type"] == "objection"]
                assert objection["kind"] == "agent"
                ana.json("hmmm", "reply", objection["msg_id"], "I add tests")
                eventually("agreed everywhere", lambda: states(made, said) == {"agreed"}, 120)
                eventually("told to SLURP", lambda: thread(beta, said)["remembered"], 30)
                shown = ana.run("hmmm", "show", "shop").stdout
                assert re.search(r"ana \(person[^)]*\)  \[proposal · agreed", shown)
                assert "(agent)  [objection · settled" in shown

                beta.json("hmmm", "object", said["msg_id"], "The clients still use the old name")
                eventually("reopened everywhere", lambda: states(made, said) == {"reopened"}, 60)

                asked = ana.json("hmmm", "query", "shop", "What is six times seven?")
                eventually(
                    "answered", lambda: [line for line in thread(ana, asked)["lines"] if line["type"] == "answer"], 90
                )

        await trio.to_thread.run_sync(body)


async def test_a_person_is_called_and_answers_among_processes(tmp_path: Path):
    """Errors name the way out; an escalation is one for all; only a person ends it, and it is seen who."""

    def body() -> None:
        with mesh(tmp_path) as made:
            alpha, beta = made.grow("alpha", "beta")
            ana = person(made)
            said = alpha.json("hmmm", "send", "shop", "We go round in circles")
            eventually("heard", lambda: thread(ana, said), 60)
            alpha.json("hmmm", "escalate", "shop", said["thread_id"], "Who decides?")
            eventually("escalated for the person", lambda: thread(ana, said)["row"]["escalated"], 60)
            eventually("escalated for the other agent", lambda: thread(beta, said)["row"]["escalated"], 60)
            assert "⚠ waits for a person" in ana.run("hmmm", "rooms").stdout

            refused = beta.run("hmmm", "answer", "shop", said["thread_id"], "I do")
            assert refused.returncode == 1
            assert "by a person" in refused.stderr
            unknown = beta.run("hmmm", "show", "nowhere")
            assert "hmmm rooms" in unknown.stderr
            answered = ana.json("hmmm", "answer", "shop", said["thread_id"], "Alpha decides")
            assert answered["ended"] == 1
            eventually("ended everywhere", lambda: not any(thread(p, said)["row"]["escalated"] for p in made.peers), 60)
            [one] = thread(beta, said)["escalations"]
            assert one["ended_by"] == "ana"

    await trio.to_thread.run_sync(body)


PREVIEW = "Not sent yet"
"""Stands on the wizard's last page, until it has gone."""


def closed(terminal: Terminal) -> None:
    """The wizard has gone, so what is seen from now on is the conversation's."""
    try:
        eventually("the wizard is closed", lambda: PREVIEW not in terminal.screen(), 30)
    except AssertionError:
        raise AssertionError(f"the wizard stays:\n{terminal.screen()}") from None


def write(terminal: Terminal, kind: int, room: str, text: str, reasoning: str = "") -> None:
    """Compose a message by keys alone: its kind, its place, its words; then look at it and send it."""
    terminal.keys("n")
    terminal.sees("Begin from a template")
    terminal.keys("Home", *["Down"] * kind, "Enter")
    terminal.sees("Thread")
    if room:
        terminal.type(room)
        terminal.sees(room)
    terminal.keys("C-n")
    terminal.sees("Reasoning: why")
    terminal.type(text)
    terminal.sees(text)
    if reasoning:
        row = terminal.cursor_row()
        terminal.keys("Tab")
        eventually("the cursor is in the next field", lambda: terminal.cursor_row() != row)
        terminal.type(reasoning)
    terminal.keys("C-n")
    terminal.sees("Roles it is addressed to")
    terminal.keys("C-s")
    terminal.sees("Nothing in it looks like a secret")
    terminal.keys("C-s")
    closed(terminal)


async def test_the_four_kinds_are_written_by_keys_in_a_terminal_of_80_by_24(tmp_path: Path):
    """Reasoning, query, proposal and a reply to the message under the cursor, in the real portal."""

    def body() -> None:
        with mesh(tmp_path) as made:
            made.grow("alpha")
            ana = person(made)
            terminal = Terminal(CLI, {**ana.environment, "TERM": "xterm-256color"}, width=80, height=24)
            try:
                terminal.sees("status", 30)
                terminal.keys("4")
                terminal.sees("Nothing has been said in a room yet")
                write(terminal, 0, "shop", "A thought of mine", "because of the numbers")
                terminal.sees("because: because of the numbers")
                write(terminal, 2, "", "Who knows the clients?")
                write(terminal, 3, "", "Ask them all")
                terminal.sees("objections for")
                terminal.keys("r")
                terminal.sees("Reasoning: why")
                terminal.type("By mail")
                terminal.sees("By mail")
                terminal.keys("C-s")
                terminal.sees("Nothing in it looks like a secret")
                terminal.keys("C-s")
                closed(terminal)
                terminal.sees("By mail")
            finally:
                terminal.close()
            lines = [line for row in ana.json("hmmm", "rooms")["threads"] for line in thread(ana, row)["lines"]]
            assert {line["type"] for line in lines} == {"discussion", "question", "proposal"}
            [reply] = [line for line in lines if line["message"] == "By mail"]
            assert reply["parent_id"] in {line["msg_id"] for line in lines if line["type"] == "proposal"}

    await trio.to_thread.run_sync(body)


def acts(asked: Asked) -> bool:
    """A question of an agent at work."""
    return '"action"' in json.dumps(asked.schema)


PLANNED = [
    Rule({"plan": "1. Write the file."}, when=asks("plan"), times=1),
    Rule({"objection": True, "text": "Say how it is checked"}, when=asks("objection", "Write the file."), times=1),
    Rule({"plan": "1. Write the file. 2. Read it again."}, when=asks("plan"), times=1),
    Rule({"objection": False, "text": ""}, when=asks("objection"), must=False),
    Rule(
        {"thought": "as planned", "action": "shell", "input": "echo done > /workspace/output/file && cat /workspace/output/file"},
        when=lambda asked: acts(asked) and "2. Read it again." in str(asked.messages), times=1,
    ),
    Rule({"thought": "it is there", "action": "finish", "input": "written and read"}, when=acts, times=1),
]  # fmt: skip


@pytest.mark.docker
async def test_an_agent_works_by_the_plan_that_was_agreed_among_processes(tmp_path: Path, base_image: Any):
    """Announced with --plan-first: planned in the task's room, objected to, planned anew, agreed; only then a sandbox starts."""
    async with scripted(PLANNED) as model:

        def body() -> None:
            with mesh(tmp_path) as made:
                alpha, _beta = made.grow("alpha", "beta", **model.environment())
                task_id = alpha.announce("--goal", "Write a file", "--plan-first", "--timeout", "300")
                room = {"issue_id": task_id, "thread_id": "plan-1"}
                eventually("a plan stands", lambda: thread(alpha, room).get("lines"), 60)
                eventually("why it waits is shown", lambda: "its plan" in alpha.task(task_id).get("detail", ""), 60)
                shown = alpha.wait(task_id, 150)
                assert shown.returncode == 0, shown.stdout + shown.stderr
                lines = thread(alpha, room)["lines"]
                assert [(line["type"], line["state"]) for line in lines if line["state"]] == [
                    ("proposal", "replaced"), ("objection", "standing"), ("proposal", "agreed"),
                ]  # fmt: skip

        await trio.to_thread.run_sync(body)
