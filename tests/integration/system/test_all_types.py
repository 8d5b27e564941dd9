"""Every message type between real engines: each is sent by what people and agents do, and stands in another peer's books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chorus_tui.engine.protocol import messages
from tests.integration.system.peers import Mesh, Peer, eventually
from tests.integration.system.test_agents import a_repository, announced, drive, ended, says
from tests.support.scripted_model import Asked, Rule, ScriptedModel
from tests.support.ssh_signing import made_by_openssh

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

ELSEWHERE = {"fork_evidence"}
"""Shown by real engines where a peer really lies."""
CHECK = "python3 -m unittest -q test_calc"
FIX = "sed -i 's/a - b/a + b/' calc.py"


def told(text: str) -> Any:
    """A question whose instructions say this."""
    return lambda asked: text in asked.system


def at_work(goal: str, last: str = "") -> Any:
    """A step of the agent that works on this goal, after an observation with ``last``."""

    def fits(asked: Asked) -> bool:
        return any(f"Goal: {goal}" in text for _, text in asked.messages) and last in asked.last

    return fits


RULES = [
    # Beside the work: short words of every agent, in the order of how special they are.
    Rule({"can_help": True, "answer": "Blue, as the sky.", "pass_to": ""}, when=told("Another agent does not get on")),
    Rule({"can_help": True, "answer": "With a list.", "pass_to": ""}, when=told("those who know your area")),
    Rule({"can_help": True, "answer": "Finish at once.", "pass_to": ""}, when=told("An attempt at a task has failed")),
    Rule({"steps": ["one settles it", "two follows"], "risks": [], "success_criteria": ["they fit"]}, when=told("Make a short plan")),
    Rule({"intent": "agreement", "message": "The plan looks good."}, when=told("You take part in a session")),
    Rule({"objection": False, "text": ""}, when=lambda asked: "objection" in _fields(asked), must=False),
    Rule({"say": False, "text": ""}, when=lambda asked: "say" in _fields(asked), must=False),
    Rule({"act": "silent", "text": ""}, when=lambda asked: "act" in _fields(asked), must=False),
    # The work.
    Rule(says("ask_help", "Which colour?"), when=at_work("Make the tests pass"), times=1),
    Rule(says("shell", f"{FIX} && {CHECK}"), when=at_work("Make the tests pass", "Blue, as the sky."), times=1),
    Rule(says("finish", "add() subtracted; now it adds."), when=at_work("Make the tests pass", "OK"), times=1),
    Rule(says("shell", "sleep 0.3"), when=at_work("Make the tests pass"), must=False),
    Rule(says("shell", "sleep 0.5"), when=at_work("take your time")),
    Rule(says("shell", "echo a long way round"), when=at_work("reach it"), times=1),
    Rule(says("finish", "Done as advised."), when=at_work("reach it"), must=False),
]  # fmt: skip


def _fields(asked: Asked) -> Any:
    return (asked.schema or {}).get("properties", {})


def kept(peer: Peer) -> dict[str, set[str]]:
    """Types of all readable entries of others that a peer holds, with their log types."""
    mine, found = peer.peer_id, dict[str, set[str]]()
    for line in peer.run("journal", "export").stdout.splitlines():
        value = json.loads(line)
        if value["kind"] != "feed" or "envelope" not in value:
            continue
        envelope = json.loads(value["envelope"])
        type_ = "hmmm_message" if "node_id" in envelope else envelope["type"]
        if envelope.get("from", envelope.get("node_id")) != mine:
            found.setdefault(type_, set()).add(value["log_type"])
    return found


def missing(wanted: set[str], peer: Peer) -> None:
    """Printed, so that a failure says which."""
    print("not seen yet:", sorted(wanted - kept(peer).keys()))


def fleeting(peer: Peer, names: set[str]) -> dict[str, set[str]]:
    """Which of these it heard from others and keeps nowhere, with log types."""
    found: dict[str, set[str]] = {}
    for name in names:
        for one in peer.get("/api/v1/journal/fleeting", type=name, limit=1)["messages"]:
            found.setdefault(one["type"], set()).add(one["log_type"])
    return found


def decide(peers: list[Peer], folder: Path) -> None:
    """Put to the vote, voted by all for good, by a person who signs too, closed."""
    alpha = peers[0]
    key = made_by_openssh(folder / "id_ed25519")
    alpha.json("members", "enrol", "ana", "--key", f"{key}.pub")
    id_ = alpha.run(
        "decide", "propose", "--title", "Keep it", "--description", "as it is", "--deadline", "10m"
    ).stdout.strip()
    for peer in peers:
        eventually("known", lambda peer=peer: peer.get(f"/api/v1/decisions/{id_}"))
        peer.json("decide", "vote", id_, "approve", "--final")
    alpha.json("decide", "vote", id_, "approve", "--final", "--sign-with", str(key))


def discuss(beta: Peer, pat: Peer) -> None:
    """A proposal that is agreed, a word to a role, a room that needs a person."""
    beta.json("hmmm", "propose", "shop", "Rename the table")
    pat.json("hmmm", "send", "shop", "Have a look, please", "--to-role", "worker")
    stuck = beta.json("hmmm", "send", "stuck", "I do not know")
    beta.run("hmmm", "escalate", "stuck", stuck["thread_id"], "somebody has to say")


def change(beta: Peer, pat: Peer, folder: Path) -> None:
    """A patch of a work tree, reviewed and submitted."""
    here = a_repository(folder / "change")
    (here / "calc.py").write_text("def add(a, b):\n    return a + b\n")
    id_ = pat.json("patch", "new", "--repo", str(here), "--title", "Add, do not subtract")["patch_id"]
    eventually("known", lambda: beta.get(f"/api/v1/patches/{id_}"))
    beta.json("patch", "review", id_, "--approve")
    pat.json("patch", "submit", id_)


def write_together(pat: Peer, beta: Peer, gamma: Peer) -> None:
    """A shared text, large enough for a snapshot; joined by two more, talked about, typed into, ended."""
    begun = pat.run("collab", "new", "--title", "Notes", "--text", "-", stdin="ß" * 150_000)
    session = begun.stdout.strip()
    pat.json("collab", "join", session)
    eventually("a snapshot", lambda: "collab_snapshot" in kept(gamma), 60)
    for peer in (beta, gamma):
        eventually("known", lambda peer=peer: peer.get(f"/api/v1/collab/{session}"), 45)
        peer.json("collab", "join", session)

    def typed() -> bool:
        pat.json("collab", "join", session)
        pat.json("collab", "edit", session, "--append", "x")
        return "collab_edit" in fleeting(gamma, {"collab_edit"})

    eventually("typed live", typed, 40)
    pat.json("collab", "chat", session, "good so")
    pat.json("collab", "end", session, "--as", "nothing")


def keep_a_key(alpha: Peer) -> None:
    """A word list of the master key in another's care."""
    eventually(
        "the first key",
        lambda: any(one["mine"] and one["keyring"] == "master" for one in alpha.json("vault", "roles")["keyrings"]),
        60,
    )
    alpha.run("vault", "split", "--to", "beta", stdin="")


def ask(pat: Peer, alpha: Peer) -> None:
    """A question to an area, and a word on what is known."""
    got = pat.json("ask", "How do I count?", "--expertise", "python", "--wait", "60")
    assert got["answers"]
    (node, *_) = eventually("learned", lambda: pat.json("slurp", "context", "web")["nodes"], 30)
    pat.json("slurp", "feedback", node["node_id"], "helpful")
    assert alpha.status()["mesh_id"]


def write(beta: Peer) -> None:
    """Content under an address, which its author announces to keep."""
    place = "ucxl://beta:worker@web:notes/*^/colours.md"
    assert beta.run("ucxl", "put", place, "-", stdin="Blue, as the sky.\n").returncode == 0
    assert beta.json("ucxl", "announce", place)["here"]


def tasks(alpha: Peer, beta: Peer, folder: Path) -> None:
    """Help, checks, delivery; a mentor for a second attempt; two repositories; a role; a pause; a cancellation."""
    spec = {
        "goal": "Make the tests pass", "repository": str(a_repository(folder / "calc")), "checks": [CHECK], "deliver": "bundle",
        "project_id": "web", "budget": {"steps": 150, "tokens": 10_000_000},
    }  # fmt: skip
    mended = ended(alpha, announced(alpha, folder, **spec))
    assert mended["state"] == "completed", mended
    first = announced(alpha, folder, goal="reach it", language="", budget={"steps": 1}, project_id="web")
    assert ended(alpha, first)["state"] == "budget_exhausted"
    again = alpha.json("task", "retry", first)["task_id"]
    assert ended(alpha, again)["state"] == "completed"
    common = ("--role", "nobody", "--command", "true")
    beta.announce("--title", "Add a migration", "--repository", "https://example.org/one.git", *common)
    alpha.announce("--title", "New table", "--repository", "https://example.org/two.git", *common)
    gone = alpha.announce("--title", "never", "--command", "true", "--role", "nobody")
    alpha.announce("--title", "for who looks on", "--command", "true", "--role", "onlooker")
    alpha.run("task", "cancel", gone, "--reason", "not wanted")
    alpha.json("task", "say", mended["task_id"], "well done")


def steered(alpha: Peer, folder: Path) -> None:
    """An agent is paused, goes on, and is ended."""
    task_id = announced(alpha, folder, goal="take your time", language="", budget={"steps": 150, "tokens": 10_000_000})
    eventually("it works", lambda: alpha.task(task_id).get("state") == "running", 30)
    alpha.run("task", "pause", task_id)
    alpha.run("task", "resume", task_id)
    alpha.run("task", "stop", task_id)
    ended(alpha, task_id)


@pytest.mark.timeout(300)
async def test_every_type_is_sent_received_and_logged_as_the_original_does(tmp_path, base_image):
    """Three agents and a person do what a mesh is for; afterwards a peer that only looked on holds every type, readable, by another
    author, under the original's log type."""

    def test(made: Mesh, model: ScriptedModel) -> None:
        environment = model.environment()
        alpha = made.peers[0]
        made.grow(
            "beta",
            CHORUS_AGENT_REPORTS_TO="alpha",
            CHORUS_AGENT_ROLE="worker",
            CHORUS_AGENT_EXPERTISE="python",
            **environment,
        )
        made.grow("gamma", CHORUS_AGENT_MAX_TASKS="0", CHORUS_AGENT_ROLE="onlooker")
        pat = Peer(made.folder, "pat", kind="human", CHORUS_BOOTSTRAP_PEERS=alpha.address).start()
        made.peers.append(pat)
        pat.ready()
        eventually("one mesh", made.whole, 40)
        beta, gamma = made.peers[1:3]

        tasks(alpha, beta, tmp_path)
        steered(alpha, tmp_path)
        decide(made.peers, tmp_path)
        discuss(beta, pat)
        change(beta, pat, tmp_path)
        keep_a_key(alpha)
        ask(pat, alpha)
        write_together(pat, beta, gamma)
        write(beta)
        wanted = {name for name, row in messages.TYPES.items() if row.durable} - ELSEWHERE - {"goodbye"}
        eventually("all types are here", lambda: wanted <= kept(gamma).keys() or missing(wanted, gamma), 90)
        quick = {name for name, row in messages.TYPES.items() if not row.durable}
        eventually("and what is kept nowhere", lambda: quick <= fleeting(gamma, quick).keys(), 40)
        assert beta.stop() == 0
        eventually("the goodbye too", lambda: "goodbye" in kept(gamma))
        found = kept(gamma) | fleeting(gamma, quick)
        assert {name: logged for name, logged in found.items() if logged != {messages.TYPES[name].log_type}} == {}
        assert gamma.run("journal", "verify").returncode == 0

    await drive(
        test,
        RULES,
        tmp_path,
        "alpha",
        CHORUS_AGENT_MAX_TASKS="1",
        CHORUS_BACKBEAT_TEMPO_BPM="60",
        CHORUS_BACKBEAT_BAR="10",
    )
