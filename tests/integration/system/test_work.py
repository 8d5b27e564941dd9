"""Work in quantity and under people's eyes: limits, order, approval by several, delivery, and an end whenever it is asked for."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
import trio

from tests.integration.execution.https_host import TOKEN, Authority, running
from tests.integration.system.peers import Mesh, Peer, containers, eventually, mesh
from tests.integration.system.test_agents import a_repository, announced, blob, ended, says
from tests.support.scripted_model import Rule, scripted

pytestmark = pytest.mark.docker

TASKS, LIMIT = 50, 3
BUSY = "timeout 1 sh -c 'while :; do :; done'; sleep 2"
"""All cores' worth of such tasks leave the engines no idle time."""


class Watch:
    """Looks again and again at what two agents run, until it is stopped."""

    def __init__(self, agents: list[Peer]) -> None:
        self._agents = agents
        self.most = dict.fromkeys((peer.name for peer in agents), 0)
        self.ready: set[int] = set()
        self.slowest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.3):
            for peer in self._agents:
                self.most[peer.name] = max(self.most[peer.name], working(peer))
                began = time.monotonic()
                self.ready.add(peer.probe("/ready"))
                self.slowest = max(self.slowest, time.monotonic() - began)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def working(peer: Peer) -> int:
    """How many of the busy tasks run in this peer's sandboxes now, as Docker and the machine's own list of processes say.

    What a sandbox is called does not tell: one that was made ahead of its task keeps the name it was made with.
    """
    command = ["docker", "ps", "--no-trunc", "--quiet", "--filter", f"label=chorus.owner={peer.peer_id}"]
    sandboxes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if BUSY in (process / "cmdline").read_text().split("\0"):
                group = (process / "cgroup").read_text()
                found += any(sandbox in group for sandbox in sandboxes)
    return found


def test_two_agents_do_fifty_tasks_never_more_than_their_limit_and_urgent_ones_first(fresh_mesh, tmp_path):
    """All done; three at once each at most, several at some time; not ready while full; with every core busy the mesh answers and keeps its admin."""
    (boss,) = fresh_mesh.grow("boss", CHORUS_AGENT_MAX_TASKS="0")
    one, two = fresh_mesh.grow("one", "two", CHORUS_AGENT_MAX_TASKS=str(LIMIT))
    admin = one.status()["admin"]
    ids = [at_once(boss, title=f"work {n}", commands=[BUSY], priority="low") for n in range(TASKS - 1)]
    with Watch([one, two]) as watch:
        urgent = at_once(boss, title="urgent", commands=["true"], priority="urgent")
        ended(boss, urgent, 60)
        open_ = [
            task_id for task_id in ids if boss.task(task_id)["state"] == "waiting" or not boss.task(task_id)["attempts"]
        ]
        states = eventually("all are done", lambda: all_ended(boss, ids), 240)

    assert open_, "the urgent one did not wait for the others"
    assert set(states) == {"completed"}
    assert max(watch.most.values()) <= LIMIT, watch.most
    assert max(most_held(boss).values()) >= 2, "never several at once, by what was decided"
    assert watch.ready == {200, 503}
    assert watch.slowest < 5.0
    assert one.status()["admin"] == admin
    assert all(len(boss.task(task_id)["attempts"]) == 1 for task_id in ids)


def most_held(peer: Peer) -> dict[str, int]:
    """How many tasks each worker held at most at one time, by the control log."""
    held: dict[str, set[str]] = {}
    most: dict[str, int] = {}
    for line in peer.control_log().splitlines():
        entry = json.loads(json.loads(line)["entry"])
        task_id, worker = entry["data"].get("task_id"), entry["data"].get("worker")
        if entry["type"] == "task_granted":
            held.setdefault(worker, set()).add(task_id)
            most[worker] = max(most.get(worker, 0), len(held[worker]))
        elif entry["type"] in ("task_accepted", "task_failed", "task_released", "task_expired"):
            for tasks in held.values():
                tasks.discard(task_id)
    return most


def at_once(peer: Peer, **spec: Any) -> str:
    """Announce by the API, which is quicker than a process of its own; the id."""
    status, answer = peer.post("/api/v1/tasks", {"spec": spec})
    assert status == 200, answer
    return str(answer["task_id"])


def all_ended(peer: Peer, ids: list[str]) -> list[str]:
    """Their states, when all have ended."""
    rows = {row["task_id"]: row["state"] for row in peer.json("task", "list", "--limit", "200")["tasks"]}
    states = [rows[task_id] for task_id in ids]
    return states if set(states) <= {"completed", "failed", "cancelled", "budget_exhausted"} else []


def test_a_risky_task_waits_for_two_of_three_people_and_a_restart_keeps_their_words(fresh_mesh, tmp_path):
    """Nothing is held while it waits: other work goes on; one word survives the restart of everybody; a denial and the end
    of its time leave nothing behind."""
    fresh_mesh.grow("agent", CHORUS_AGENT_MAX_TASKS="1")
    ann, ben, cy = fresh_mesh.grow("ann", "ben", "cy", kind="human")
    risky = {
        "commands": ["echo ran"],
        "language": "",
        "limits": {"memory_mb": 4096},
        "approval": "risky",
        "approvals": 2,
    }
    wanted = announced(ann, tmp_path, title="wanted", **risky)
    unwanted = announced(ann, tmp_path, title="unwanted", **risky)
    late = announced(ann, tmp_path, title="late", **risky, approve_within_s=3)
    plain = announced(ann, tmp_path, title="plain", commands=["true"], language="")

    assert ended(ann, plain)["state"] == "completed"
    assert "approval 0 of 2: it asks for more than the usual limits" in eventually(
        "it waits", lambda: ann.task(wanted).get("waiting_for"), 20
    )
    eventually("ben has it", lambda: ben.task(wanted) and ben.task(unwanted), 20)
    assert ben.run("task", "approve", wanted).returncode == 0
    for peer in fresh_mesh.peers:
        peer.stop()
        peer.start().ready()
        eventually("it is back", fresh_mesh.whole, 60)
    assert eventually("one word stands", lambda: cy.task(wanted).get("approvals"), 30)[0]["by"] == ben.peer_id
    assert cy.run("task", "deny", unwanted, "--reason", "no").returncode == 0
    assert cy.run("task", "approve", wanted).returncode == 0
    done, denied, over = (ended(ann, task_id) for task_id in (wanted, unwanted, late))

    assert (done["state"], [word["name"] for word in done["approvals"]]) == ("completed", ["ben", "cy"])
    assert (denied["state"], denied["detail"], denied["attempts"]) == ("cancelled", "denied by cy: no", [])
    assert (over["state"], over["attempts"]) == ("cancelled", [])
    assert "not enough people agreed within 3 s" in over["detail"]


@contextmanager
def a_host(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A private git host with the sample project: (URL, what an agent has to be told)."""
    authority = Authority(tmp_path / "ca")
    with running(authority, tmp_path / "hosted", private=True) as host:
        work = a_repository(tmp_path / "work")
        subprocess.run(["git", "clone", "-q", "--bare", str(work), str(tmp_path / "hosted" / "calc.git")], check=True)
        subprocess.run(
            ["git", "-C", str(tmp_path / "hosted" / "calc.git"), "config", "http.receivepack", "true"], check=True
        )
        yield host.url("calc.git"), {
            "CHORUS_REPOSITORY_HOSTS": host.name, "CHORUS_REPOSITORY_CA_FILE": str(tmp_path / "ca" / "ca.pem"),
            "CHORUS_REPOSITORY_CREDENTIALS": json.dumps({host.name: TOKEN}),
        }  # fmt: skip


def test_what_was_verified_is_delivered_as_a_branch_and_as_a_bundle(tmp_path, base_image):
    """The branch stands on the host with one commit that says whose it is; the bundle is had from any peer; the credential is
    in no log. What failed its checks is not pushed."""
    with a_host(tmp_path) as (url, told), mesh(tmp_path) as made:
        alpha, beta = made.grow("alpha", "beta", **told)
        asked: dict[str, Any] = {"commands": ["sed -i 's/a - b/a + b/' calc.py"], "repository": url}
        check = ["python3 -m unittest -q test_calc"]
        branch = announced(alpha, tmp_path, **asked, checks=check, deliver="branch")
        bundle = announced(alpha, tmp_path, **asked, checks=check, deliver="bundle")
        wrong = announced(
            alpha, tmp_path, **{**asked, "commands": ["echo '#' >> calc.py"]}, checks=check, deliver="branch"
        )
        for task_id, state in ((branch, "completed"), (bundle, "completed"), (wrong, "failed")):
            shown = ended(alpha, task_id, 120)
            assert shown["state"] == state, shown
        (pushed,) = eventually("pushed", lambda: beta.task(branch)["delivered"], 30)
        (bundled,) = eventually("bundled", lambda: beta.task(bundle)["delivered"], 30)

        assert (pushed["problem"], pushed["ref"]) == ("", f"refs/heads/chorus/{branch}")
        hosted = str(tmp_path / "hosted" / "calc.git")
        refs = git(hosted, "for-each-ref", "--format=%(refname)").split()
        assert sorted(refs) == [pushed["ref"], "refs/heads/main"]
        assert git(hosted, "show", f"{pushed['commit']}:calc.py").endswith("return a + b\n")
        assert f"Task-Id: {branch}" in git(hosted, "log", "-1", "--format=%B", pushed["commit"])
        file = blob(beta, bundled["where"], tmp_path / "got.bundle")
        git(hosted, "fetch", "-q", str(file), f"{bundled['ref']}:refs/heads/from-bundle")
        assert git(hosted, "show", "from-bundle:calc.py").endswith("return a + b\n")
        assert TOKEN not in alpha.log.read_text() + beta.log.read_text()


def git(folder: str, *arguments: str) -> str:
    """What git says of a repository of ours."""
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


async def test_an_agent_that_thinks_is_cancelled_within_five_seconds(tmp_path, base_image):
    """In the middle of a model's answer: its sandbox is gone, whoever holds the line."""
    gate = trio.Event()
    rules = [Rule(says("finish", "never"), when="Goal:", gate=gate, must=True)]
    async with scripted(rules) as model:

        def body() -> None:
            with mesh(tmp_path) as made:
                cancel_while_it_thinks(made, model.asked)

        def environment(made: Mesh) -> list[Peer]:
            return made.grow("alpha", "beta", **model.environment())

        def cancel_while_it_thinks(made: Mesh, asked: list[Any]) -> None:
            alpha, _ = environment(made)
            task_id = announced(alpha, tmp_path, goal="think hard", language="")
            eventually("the model is asked", lambda: asked, 60)
            assert containers(f"chorus.task={task_id}")
            began = time.monotonic()
            assert alpha.run("task", "cancel", task_id).returncode == 0
            eventually("its sandbox is gone", lambda: not containers(f"chorus.task={task_id}"), 10)
            assert time.monotonic() - began < 5.0
            assert ended(alpha, task_id)["state"] == "cancelled"

        await trio.to_thread.run_sync(body)
        gate.set()
