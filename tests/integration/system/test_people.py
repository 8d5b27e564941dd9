"""Work by hand, and work without an admin, with real processes and the command line people use."""

from __future__ import annotations

import json

import pytest

from tests.integration.system.peers import Peer, eventually

pytestmark = pytest.mark.docker

PATCH = "--- a/total.py\n+++ b/total.py\n@@ -1 +1 @@\n-old\n+new\n"


def refused(peer: Peer, *arguments: str) -> str:
    """What the command says when it does not do it."""
    done = peer.run(*arguments)
    assert done.returncode == 1, (done.stdout, done.stderr)
    return done.stderr


def test_a_chain_of_work_by_hand_and_by_agents(fresh_mesh, tmp_path):
    """One claims a task, says that it failed, another tries it again and submits a patch; the sandboxed task that
    depends on it runs only then. Each step is refused where it makes no sense, with the reason, and all peers agree on
    what came of it."""
    boss, ann, ben = fresh_mesh.grow("boss", "ann", "ben", CHORUS_AGENT_MAX_TASKS="0")
    patch = tmp_path / "total.patch"
    patch.write_text(PATCH)
    first = boss.announce("--title", "mend the total", "--command", "by hand")
    eventually("all have it", lambda: ann.task(first) and ben.task(first), 20)
    second = ben.announce("--title", "then test it", "--command", "echo tested", "--depends-on", first[:-6])
    unknown = boss.run("task", "announce", "--command", "true", "--depends-on", second[:-4] + "0000")
    strange = boss.run("task", "announce", "--command", "true", "--depends-on", "0QQ")
    eventually("ann has both", lambda: ann.task(second), 20)

    assert (strange.returncode, "No task '0QQ' here" in strange.stderr) == (1, True), strange.stderr
    assert ann.task(second)["spec"]["depends_on"] == [first]
    assert unknown.returncode == 2
    assert "spec.depends_on[0]" in unknown.stderr
    assert "depends on “mend the total”" in refused(ann, "task", "claim", second)
    assert "has not ended yet" in refused(ann, "task", "retry", first)
    assert ann.json("task", "claim", first)["state"] == "running"
    eventually("ben sees it", lambda: ben.task(first)["holder"] == ann.peer_id, 20)
    assert "somebody else works on it" in refused(ben, "task", "claim", first)
    assert "did not claim" in refused(ben, "task", "submit", first, "--patch", str(patch))
    assert ann.run("task", "submit", first).returncode == 2
    assert ann.json("task", "submit", first, "--failed", "no time")["state"] == "failed"
    eventually("told", lambda: "which failed; retry that one" in ben.task(second)["waiting_for"], 20)

    again = ben.json("task", "retry", first)["task_id"]
    eventually("the admin has it", lambda: boss.task(again), 20)
    assert again in refused(boss, "task", "retry", first)
    ben.json("task", "claim", again)
    done = ben.json("task", "submit", again, "--patch", str(patch), "--note", "as asked")
    (worker,) = fresh_mesh.grow("worker")
    waited = ann.wait(second)
    shown = ann.run("task", "show", again)

    assert (done["state"], done["retry_of"]) == ("completed", first)
    assert waited.returncode == 0, (waited.stdout, waited.stderr)
    assert boss.task(second)["attempts"][-1]["worker"] == worker.peer_id
    assert "by_hand" in json.dumps(boss.task(again)["attempts"])
    assert "total.patch" in shown.stdout
    got = tmp_path / "got"
    fetched = boss.run("task", "artifacts", again, "--to", str(got))
    assert fetched.returncode == 0, fetched.stderr
    assert (got / "total.patch").read_text() == PATCH


def test_without_an_admin_work_goes_on_and_is_accepted_once_when_there_is_one(fresh_mesh):
    """``kill -9`` of the only voter while a task runs: a new task is stored and says that no admin is there, the running
    one ends past its lease with its result waiting; the admin comes back, accepts it once and grants the other."""
    boss = fresh_mesh.grow("boss", CHORUS_AGENT_MAX_TASKS="0", CHORUS_TASK_LEASE_S="5")[0]
    (worker,) = fresh_mesh.grow("worker", CHORUS_TASK_LEASE_S="5")
    running = worker.announce("--title", "goes on", "--command", "sleep 20; echo done")
    eventually("it runs", lambda: worker.task(running).get("state") == "running", 40)
    boss.kill()
    stored = worker.announce("--title", "waits", "--command", "echo hi")

    eventually(
        "it says why it waits", lambda: "no admin is in reach: it is stored" in worker.task(stored)["waiting_for"], 30
    )
    eventually("the result waits", lambda: "the next one will accept it" in worker.task(running)["detail"], 40)
    boss.start().ready()
    for task_id in (running, stored):
        done = worker.wait(task_id)
        assert done.returncode == 0, (done.stdout, done.stderr)
    lines = boss.run("journal", "export").stdout.splitlines()
    decided = [json.loads(line)["entry"] for line in lines if json.loads(line)["kind"] == "control"]

    assert [attempt["ended"] for attempt in worker.task(running)["attempts"]] == ["accepted"]
    assert sum('"task_accepted"' in entry and running in entry for entry in decided) == 1


def test_people_approve_or_deny_and_everybody_sees_who(fresh_mesh):
    """A risky task waits on every peer; an agent's word is refused; a person approves one and denies the other: the one
    runs, the other is cancelled with the reason, and both show who said so."""
    boss, _ = fresh_mesh.grow("boss", "worker")
    (ann,) = fresh_mesh.grow("ann", kind="human")
    good = boss.announce("--title", "good", "--command", "echo hi", "--timeout", "7200", "--approval", "risky")
    bad = boss.announce("--title", "bad", "--command", "echo hi", "--approval", "always")
    for task_id in (good, bad):
        eventually(
            "it waits", lambda task_id=task_id: "approval 0 of 1" in ann.task(task_id).get("waiting_for", ""), 20
        )

    assert "only people" in refused(boss, "task", "approve", good)
    looked_at, other = ann.task(good)["announcement"], ann.task(bad)["announcement"]
    assert "not the one you looked at" in refused(ann, "task", "approve", good, "--announcement", other)
    approved = ann.json("task", "approve", good, "--reason", "fine", "--announcement", looked_at)
    assert approved["approvals"][0]["name"] == "ann"
    assert "the task needs" not in refused(ann, "task", "approve", good)
    denied = ann.json("task", "deny", bad, "--reason", "not now")
    waited = boss.wait(good)

    assert (denied["state"], denied["detail"]) == ("cancelled", "denied by ann: not now")
    assert waited.returncode == 0, (waited.stdout, waited.stderr)
    shown = boss.run("task", "show", good).stdout
    assert "approved by ann" in shown
    eventually("told everywhere", lambda: boss.task(bad)["detail"] == "denied by ann: not now", 20)


def test_a_task_that_is_to_be_let_out_waits_for_people_and_for_a_worker_that_may(fresh_mesh):
    """Though it asks for no approval it waits, and says to which host; once approved it ends up with the worker whose
    settings list the host, whoever got it first, and what it tried is in its output."""
    host = "nowhere.invalid"
    boss, _ = fresh_mesh.grow("boss", "strict")
    (lenient,) = fresh_mesh.grow("lenient", CHORUS_SANDBOX_HOSTS=f"other.example,{host}")
    (ann,) = fresh_mesh.grow("ann", kind="human")
    ask = f"printf 'CONNECT {host}:443 HTTP/1.1\\r\\n\\r\\n' | nc 127.0.0.1 3128"
    task = boss.announce("--title", "out", "--command", ask, "--allowed-host", host)
    eventually("it waits", lambda: f"let out to hosts ({host})" in ann.task(task).get("waiting_for", ""), 20)
    wrong = boss.run("task", "announce", "--command", "true", "--allowed-host", "*.example")

    assert (wrong.returncode, "allowed_hosts[0]" in wrong.stderr) == (2, True)
    assert host in ann.run("task", "show", task).stdout
    ann.json("task", "approve", task)
    waited = boss.wait(task)
    done = boss.task(task)

    assert waited.returncode == 0, (waited.stdout, waited.stderr)
    assert done["attempts"][-1]["worker"] == lenient.peer_id
    assert all("host_not_allowed" in attempt["reason"] for attempt in done["attempts"][:-1])
    assert f"── out: {host}:443 refused: its name is not known here" in done["result"]["output_tail"]
