"""One task, announced here, run there, its true result everywhere."""

from __future__ import annotations

import hashlib
import json
import re
import signal

import pytest

from tests.integration.system.peers import Peer, containers, eventually, within

pytestmark = pytest.mark.docker


def finished(peer: Peer, task_id: str, seconds: float = 60) -> dict:
    done = peer.wait(task_id, seconds)
    assert done.returncode == 0, (done.stdout, done.stderr, peer.task(task_id))
    return peer.json("task", "show", task_id)


def test_a_task_runs_and_its_artifact_is_had_from_another_peer(trio_of_peers, tmp_path):
    """``task wait`` exits 0, and ``task artifacts`` on another peer brings the very bytes."""
    alpha, beta, _ = trio_of_peers
    task_id = alpha.announce("--title", "write x", "--command", "echo hi > /workspace/output/x")

    shown = finished(alpha, task_id)
    done = beta.run("task", "artifacts", task_id, "--to", str(tmp_path / "got"))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "got" / "x").read_bytes() == b"hi\n"
    assert shown["state"] == "completed"
    assert shown["confirmed"]
    assert shown["result"]["exit_code"] == 0
    assert [a["sha256"] for a in shown["result"]["artifacts"]] == [hashlib.sha256(b"hi\n").hexdigest()]


def test_output_streams_live_to_a_peer_that_only_watches(trio_of_peers):
    """A third peer sees the first line while the task still runs."""
    alpha, _, gamma = trio_of_peers
    task_id = alpha.announce("--title", "slow talker", "--command", "echo first; sleep 8; echo last")

    def first_line_while_running() -> bool:
        text = (gamma.get(f"/api/v1/tasks/{task_id}/output") or {}).get("text", "")
        return "first" in text and "last" not in text and gamma.task(task_id)["state"] == "running"

    eventually("the first line, live", first_line_while_running, 30)
    shown = finished(gamma, task_id)

    assert shown["result"]["output_tail"].split() == ["first", "last"]


def test_what_a_sandbox_uses_is_seen_by_its_worker_and_by_a_peer_that_watches(trio_of_peers):
    """While a task runs its figures are in the task's view, here and elsewhere; at its end they are gone and the most is told."""
    announcer, watcher, _ = trio_of_peers
    task_id = announcer.announce("--title", "busy", "--command", "head -c 9000000 /dev/zero > x; sleep 6; true")
    eventually("it runs", lambda: announcer.task(task_id)["state"] == "running")
    worker = eventually("its holder", lambda: announcer.task(task_id)["holder"])

    def seen(peer):
        peer.get(f"/api/v1/tasks/{task_id}/output")  # watching: following its topic
        return peer.task(task_id)["figures"]

    for peer in (watcher, next(peer for peer in trio_of_peers if peer.peer_id == worker)):
        figures = eventually("figures", lambda peer=peer: seen(peer), 10)
        assert figures["memory_mb"] > 0
    assert "MiB in its folders" in watcher.run("task", "show", task_id).stdout
    task = eventually("done", lambda: announcer.task(task_id)["state"] == "completed" and announcer.task(task_id))
    assert task["figures"] is None
    assert task["result"]["max_disk_mb"] > 8


def test_a_failing_command_is_shown_as_failed_with_its_exit_code(trio_of_peers):
    """Exit code and output are the task's own; ``task wait`` exits 1."""
    alpha, beta, _ = trio_of_peers
    task_id = alpha.announce("--title", "fails", "--command", "echo before", "--command", "echo oops >&2; exit 7")

    done = beta.wait(task_id)
    shown = beta.json("task", "show", task_id)

    assert done.returncode == 1
    assert shown["state"] == "failed"
    assert shown["result"]["exit_code"] == 7
    assert [c["exit_code"] for c in shown["result"]["commands"]] == [0, 7]


def test_waiting_too_short_says_still_running_and_cancel_ends_it(trio_of_peers):
    """``task wait`` exits 3 while it runs; a peer without the authority cannot cancel another's task and is told so;
    its announcer can, and the container is gone within 5 s."""
    alpha, beta, _ = trio_of_peers
    task_id = alpha.announce("--title", "long", "--command", "sleep 300")
    eventually("it runs", lambda: alpha.task(task_id).get("state") == "running", 40)

    waited = alpha.run("task", "wait", task_id, "--timeout", "1")
    refused = beta.run("task", "cancel", task_id)
    cancelled = alpha.run("task", "cancel", task_id)

    assert waited.returncode == 3
    assert refused.returncode == 1
    assert "authority" in refused.stderr
    assert cancelled.returncode == 0, cancelled.stderr
    within("its container is gone", lambda: not containers(f"chorus.task={task_id}"), 5)
    eventually("cancelled, confirmed", lambda: alpha.task(task_id)["state"] == "cancelled", 10)


def test_a_late_peer_has_the_same_history_and_board(trio_of_peers, fresh_mesh):
    """A peer that joins later exports the same set of lines and lists the same tasks in the same states."""
    alpha = trio_of_peers[0]
    late = fresh_mesh.add("late", bootstrap=alpha).ready()

    def export(peer: Peer) -> set[str]:
        done = peer.run("journal", "export")
        assert done.returncode == 0, done.stderr
        return {
            line for line in done.stdout.splitlines() if json.loads(line)["kind"] in ("evidence", "feed", "control")
        }

    eventually("it has joined", lambda: late.status().get("mesh_id") == alpha.status()["mesh_id"], 20)
    eventually("equal exports", lambda: export(alpha) == export(late), 60)

    def board(peer: Peer) -> list:
        return sorted((row["task_id"], row["state"], row["title"]) for row in peer.json("task", "list")["tasks"])

    assert board(alpha) == board(late)
    assert late.run("journal", "verify").returncode == 0
    assert late.stop() == 0


def test_a_killed_worker_delays_a_task_and_nothing_more(fresh_mesh):
    """``kill -9`` of the worker: its container is gone within 5 s though it never comes back; after its lease the task
    is granted anew and completed; one result is accepted."""
    # The voter must not be the worker: it takes no tasks itself.
    (boss,) = fresh_mesh.grow("boss", CHORUS_AGENT_MAX_TASKS="0", CHORUS_TASK_LEASE_S="5")
    workers = fresh_mesh.grow("w1", "w2")
    task_id = boss.announce("--title", "survivor", "--command", "sleep 6; echo done > /workspace/output/done")
    holder = eventually(
        "granted and running", lambda: boss.task(task_id).get("state") == "running" and boss.task(task_id)["holder"], 40
    )
    eventually("its container runs", lambda: containers(f"chorus.task={task_id}", "chorus.attempt=1"), 10)
    {worker.peer_id: worker for worker in workers}[holder].kill()

    within("its container is gone", lambda: not containers(f"chorus.task={task_id}", "chorus.attempt=1"), 5)
    shown = finished(boss, task_id, 90)

    assert shown["state"] == "completed"
    assert [a["ended"] for a in shown["attempts"]] == ["expired", "accepted"]
    lines = boss.run("journal", "export").stdout.splitlines()
    decided = [json.loads(line)["entry"] for line in lines if json.loads(line)["kind"] == "control"]
    assert sum('"task_accepted"' in entry and task_id in entry for entry in decided) == 1


def test_sigterm_finishes_the_short_task_and_hands_the_long_one_over(fresh_mesh):
    """SIGTERM of a worker with a short and a long task: the short one finishes there, the long one elsewhere; exit 0,
    no container left."""
    boss = fresh_mesh.grow("boss", CHORUS_AGENT_MAX_TASKS="0")[0]
    (worker,) = fresh_mesh.grow("worker", CHORUS_DRAIN_TIMEOUT="8")
    short = boss.announce("--title", "short", "--command", "sleep 4; echo short")
    long = boss.announce(
        "--title", "long", "--command", "for i in $(seq 40); do sleep 1; done; echo long", "--timeout", "90"
    )
    for task_id in (short, long):
        eventually("it runs", lambda task_id=task_id: boss.task(task_id).get("state") == "running", 40)
    (other,) = fresh_mesh.grow("other")

    worker.signal(signal.SIGTERM)
    code = worker.process.wait(120)
    first = boss.task(long)["attempts"][0]

    assert code == 0
    assert not containers(f"chorus.task={long}", "chorus.attempt=1")
    assert finished(boss, short)["attempts"][0]["worker_name"] == "worker"
    assert first["ended"] == "released"
    eventually("the long one runs elsewhere", lambda: boss.task(long)["holder"] == other.peer_id, 30)
    assert finished(boss, long, 90)["state"] == "completed"


def test_the_log_says_what_a_person_can_grep_for(trio_of_peers):
    """The original's markers stand in the log of a founding and a joining peer."""
    alpha, beta, _ = trio_of_peers
    pattern = re.compile("🤖 WHOAMI|👑|📡.*Discovered")

    assert pattern.search(alpha.log.read_text())
    assert pattern.search(beta.log.read_text())
