"""Agents at work in a mesh of real processes: a goal, a repository, real sandboxes, and a model that is exact because it is scripted."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.integration.system.peers import Mesh, Peer, containers, eventually, mesh
from tests.support.scripted_model import Rule, ScriptedModel, scripted

pytestmark = pytest.mark.docker

CALC = "def add(a, b):\n    return a - b\n"
TEST = """import unittest

from calc import add


class Add(unittest.TestCase):
    def test_adds(self):
        self.assertEqual(add(2, 3), 5)
        self.assertEqual(add(-1, 1), 0)
"""
CHECK = "python3 -m unittest -q test_calc"


def says(action: str, text: str, thought: str = "I go on.") -> dict[str, str]:
    return {"thought": thought, "action": action, "input": text}


def a_repository(folder: Path) -> Path:
    """A small project with a bug that its test shows."""
    folder.mkdir()
    (folder / "calc.py").write_text(CALC)
    (folder / "test_calc.py").write_text(TEST)
    for command in (
        ["init", "-q", "-b", "main"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "start"],
    ):  # fmt: skip
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def announced(peer: Peer, folder: Path, **spec: Any) -> str:
    """Announce from a file; the task's id."""
    file = folder / "task.json"
    file.write_text(json.dumps({"title": "mend add", "language": "python", **spec}))
    return peer.announce(str(file))


def ended(peer: Peer, task_id: str, seconds: float = 90) -> dict[str, Any]:
    """The task as it is when it has ended. ``seconds`` are those of a calm machine."""
    peer.wait(task_id, seconds)
    shown: dict[str, Any] = peer.json("task", "show", task_id)
    assert shown["confirmed"], shown
    return shown


def blob(peer: Peer, digest: str, to: Path) -> Path:
    """Bring a blob by its hash, from whoever holds it, and verify it."""
    data = b""
    while chunk := base64.b64decode((peer.get(f"/api/v1/blobs/{digest}", offset=len(data)) or {"data": ""})["data"]):
        data += chunk
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == digest
    to.write_bytes(data)
    return to


async def drive(test: Any, rules: list[Rule], tmp_path: Path, *names: str, **environment: str) -> None:
    """Run ``test(mesh, model)`` in a thread against peers whose agents ask a scripted model."""
    async with scripted(rules) as model:

        def body() -> None:
            with mesh(tmp_path) as made:
                made.grow(*names, **{**model.environment(), **environment})
                test(made, model)

        await trio.to_thread.run_sync(body)


MENDS = [
    Rule(says("shell", CHECK, "I look whether the test fails."), when="Goal: Make the tests pass", times=1),
    Rule(
        says("shell", f"sed -i 's/a - b/a * b/' calc.py && {CHECK}", "I try a product."),
        when="FAILED (failures=1)",
        times=1,
    ),
    Rule(
        says("shell", f"sed -i 's/a \\* b/a + b/' calc.py && {CHECK}", "It must be a sum."),
        when="FAILED (failures=1)",
        times=1,
    ),
    Rule(says("finish", "add() subtracted; now it adds."), when="OK"),
]


async def test_an_agent_mends_a_bug_in_steps_and_another_member_verifies_it(tmp_path, base_image):
    """One attempt fails and is seen by the agent; the patch applies with git apply; the checks ran on another peer."""

    def test(made: Mesh, model: ScriptedModel) -> None:
        alpha, beta, gamma = made.peers
        repository = a_repository(tmp_path / "calc")
        task_id = announced(alpha, tmp_path, goal="Make the tests pass", repository=str(repository), checks=[CHECK])
        shown = ended(alpha, task_id)
        result, seen = shown["result"], shown["verification"]

        assert (shown["state"], result["summary"]) == ("completed", "add() subtracted; now it adds.")
        assert (result["spent"]["steps"], len(model.asked)) == (4, 4)
        assert result["spent"]["prompt_tokens"] > 0
        assert result["model"] == "ollama/scripted"
        assert (seen["state"], seen["own_worker"], [one["exit_code"] for one in seen["checks"]]) == (
            "passed",
            False,
            [0],
        )
        assert seen["by"] != result_of(shown) and seen["by"] in (alpha.peer_id, beta.peer_id, gamma.peer_id)
        assert (result["change"]["files"], result["change"]["names"]) == (1, ["calc.py"])
        patch = blob(gamma, result["change"]["patch"], tmp_path / "got.patch")
        subprocess.run(["git", "apply", "--index", str(patch)], cwd=repository, check=True)
        assert (repository / "calc.py").read_text() == CALC.replace("-", "+")
        transcript = blob(beta, result["transcript"], tmp_path / "transcript").read_text().splitlines()
        kinds = [json.loads(line)["kind"] for line in transcript]
        assert kinds.count("answer") == 4 and kinds[-1] == "end"
        assert containers(f"chorus.task={task_id}") == []

    await drive(test, MENDS, tmp_path, "alpha", "beta", "gamma")


def result_of(shown: dict[str, Any]) -> str:
    """Who did the work that was accepted."""
    return str(shown["attempts"][-1]["worker"])


async def test_an_agent_that_claims_to_be_done_with_failing_checks_is_not_verified(tmp_path, base_image):
    """The task fails, says who found out and what, and keeps the result as what was reported."""

    def test(made: Mesh, _model: ScriptedModel) -> None:
        alpha = made.peers[0]
        repository = a_repository(tmp_path / "calc")
        task_id = announced(alpha, tmp_path, goal="Make the tests pass", repository=str(repository), checks=[CHECK])
        shown = ended(alpha, task_id)

        assert shown["state"] == "failed"
        assert "not verified" in shown["detail"]
        assert (shown["verification"]["state"], shown["verification"]["own_worker"]) == ("failed", False)
        assert "FAILED (failures=1)" in shown["verification"]["output_tail"]
        assert shown["attempts"][-1]["result"]["summary"] == "All done, trust me."

    await drive(test, [Rule(says("finish", "All done, trust me."), when="Goal:")], tmp_path, "alpha", "beta")


async def test_each_budget_runs_out_by_its_name_with_what_was_spent(tmp_path, base_image):
    """Steps, tokens, wall time, depth and containers: the task ends as budget_exhausted and says which and how much."""
    rules = [
        Rule(says("announce_subtask", "Do a part of it"), when="Goal: go deeper", must=True),
        Rule(says("shell", "sleep 30"), when="Goal: take long", must=True),
        Rule(says("finish", "ok"), when="Goal: finish at once", must=True),
        Rule(says("shell", "echo again"), when="", must=True),
    ]
    cases = {
        "steps": {"goal": "go on", "budget": {"steps": 3}},
        "tokens": {"goal": "go on", "budget": {"tokens": 3_000}},
        "timeout": {"goal": "take long", "timeout_s": 4},
        "depth": {"goal": "go deeper", "budget": {"depth": 0}},
        "containers": {"goal": "finish at once", "checks": ["true"], "budget": {"containers": 1}},
    }

    def test(made: Mesh, _model: ScriptedModel) -> None:
        alpha = made.peers[0]
        tasks = {name: announced(alpha, tmp_path, language="", **spec) for name, spec in cases.items()}
        for name, task_id in tasks.items():
            shown = ended(alpha, task_id)
            result = shown["attempts"][-1]["result"]

            assert shown["state"] == "budget_exhausted", (name, shown["detail"])
            assert "used up" in shown["detail"], (name, shown["detail"])
            if name != "containers":
                assert (result["outcome"], result["reason"]) == ("budget_exhausted", name)
                assert f"{result['spent']['steps']} steps" in shown["detail"]
            if name == "tokens":
                assert result["spent"]["prompt_tokens"] + result["spent"]["answer_tokens"] <= 3_000

    await drive(test, rules, tmp_path, "alpha")


GREEN = '{"from": "beta", "kind": "agent", "says": "green"}'


async def test_people_talk_to_an_agent_pause_it_and_stop_it(tmp_path, base_image):
    """A word reaches the next step with its signer's name; a pause holds between two steps and is shown; a stop keeps what there is."""
    rules = [
        Rule(says("shell", "echo begun > /workspace/output/note"), when="Goal:", times=1),
        Rule(says("ask_help", "Which colour?"), when="exit code 0", times=1),
        Rule(says("shell", "sleep 0.3"), when=lambda asked: GREEN not in asked.last, must=False),
        Rule(says("shell", "echo green >> /workspace/output/note"), when=GREEN, times=1),
        Rule(says("shell", "sleep 0.3"), when="", must=False),
    ]

    def test(made: Mesh, model: ScriptedModel) -> None:
        alpha, beta = made.peers
        spec = {"goal": "write a note", "language": "", "budget": {"steps": 150, "tokens": 10_000_000}}
        task_id = announced(alpha, tmp_path, **spec)
        asked = eventually(
            "it asks for help", lambda: [w for w in alpha.task(task_id).get("words", []) if w["kind"] == "help"], 60
        )
        assert (asked[0]["text"], asked[0]["attempt"]) == ("Which colour?", 1)

        assert beta.post(f"/api/v1/tasks/{task_id}/say", {"text": "green"})[0] == 200
        eventually("the word was heard", lambda: any(GREEN in a.last for a in model.asked), 30)
        assert alpha.post(f"/api/v1/tasks/{task_id}/pause", {})[1]["paused"]
        eventually("it waits", lambda: alpha.task(task_id)["detail"].startswith("paused"), 30)
        before = len(model.asked)
        assert beta.post(f"/api/v1/tasks/{task_id}/resume", {})[0] == 403, "beta did not announce it"
        assert len(model.asked) <= before + 1
        assert not alpha.post(f"/api/v1/tasks/{task_id}/resume", {})[1]["paused"]
        eventually("it goes on", lambda: len(model.asked) > before + 2, 30)
        alpha.post(f"/api/v1/tasks/{task_id}/stop", {"reason": "enough"})
        shown = ended(alpha, task_id)

        assert len(shown["attempts"]) == 1
        assert (shown["state"], shown["attempts"][-1]["result"]["reason"]) == ("failed", "stopped")
        assert "stopped by alpha: enough" in shown["detail"]
        note = shown["attempts"][-1]["result"]["artifacts"][0]
        assert blob(alpha, f"sha256:{note['sha256']}", tmp_path / "note").read_text() == "begun\ngreen\n"

    await drive(test, rules, tmp_path, "alpha", "beta", CHORUS_AGENT_MAX_TASKS="1")


async def test_a_subtask_is_announced_one_level_below_and_done_by_an_agent(tmp_path, base_image):
    """It names its parent, may go less deep, and its outcome can be looked up."""
    rules = [
        Rule(says("announce_subtask", "Count the files\nSay how many there are."), when="Goal: split it", times=1),
        Rule(says("finish", "There are none."), when="Goal: Count the files", times=1),
        Rule(says("read_context", "parent subtask count"), when="announced as task", times=1),
        Rule(says("finish", "Split."), when="", times=1),
    ]

    def test(made: Mesh, _model: ScriptedModel) -> None:
        alpha = made.peers[0]
        task_id = announced(alpha, tmp_path, goal="split it", language="")
        shown = ended(alpha, task_id)
        (below,) = shown["subtasks"]
        sub = ended(alpha, below)

        assert (shown["state"], sub["state"]) == ("completed", "completed")
        assert (sub["spec"]["parent"], sub["spec"]["budget"]["depth"]) == (task_id, 0)
        assert sub["title"] == "Count the files"

    await drive(test, rules, tmp_path, "alpha")


async def test_without_a_model_no_agent_takes_a_goal_and_the_screen_says_why(trio_of_peers, tmp_path):
    """It waits, and says which setting is missing."""
    alpha = trio_of_peers[0]

    def body() -> None:
        task_id = announced(alpha, tmp_path, goal="think", language="")
        why = eventually("it waits", partial(_reason, alpha, task_id))
        assert "no agent in reach has a language model" in why
        assert "CHORUS_AI_PROVIDER" in why
        alpha.run("task", "cancel", task_id)

    await trio.to_thread.run_sync(body)


def _reason(peer: Peer, task_id: str) -> str:
    shown = peer.task(task_id)
    return str(shown.get("detail", "")) if shown.get("state") == "waiting" else ""


@pytest.mark.parametrize("wire", ["ollama", "openai"])
async def test_a_real_small_model_reaches_a_small_goal_over_either_wire(tmp_path, base_image, small_model, wire):
    """The prompt is pinned with its examples, temperature 0: one goal from its announcement to a verified patch."""

    def body() -> None:
        with mesh(tmp_path) as made:
            alpha, _ = made.grow("alpha", "beta", **small_model.environment(wire))
            task_id = announced(
                alpha, tmp_path, title="todo", goal="Create todo.txt with call mother",
                repository=str(a_repository(tmp_path / "calc")), checks=["grep -q mother todo.txt"], budget={"steps": 6},
            )  # fmt: skip
            shown = ended(alpha, task_id, 180)

            assert (shown["state"], shown["verification"]["state"]) == ("completed", "passed"), shown
            assert shown["result"]["change"]["names"] == ["todo.txt"]
            assert shown["result"]["spent"]["answer_tokens"] > 10

    await trio.to_thread.run_sync(body)
