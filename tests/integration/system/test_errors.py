"""What goes wrong is said in words that name it and the way out; never a traceback, nothing lost."""

from __future__ import annotations

import socket
import subprocess

import pytest

from tests.integration.system.peers import CLI, Peer, becomes, eventually
from tests.support.patience import PATIENCE


def ended(peer: Peer, seconds: float = 20) -> tuple[int, str]:
    """Exit code and all that it printed of a peer that must not stay. ``seconds`` are those of a calm machine."""
    peer.start()
    assert peer.process is not None
    code = peer.process.wait(seconds * PATIENCE)
    return code, peer.log.read_text()


def ends_well(peer: Peer, task_id: str) -> dict:
    """The task's end, whatever it is."""
    peer.wait(task_id)
    return peer.json("task", "show", task_id)


def test_all_wrong_settings_are_listed_at_once(tmp_path):
    """Exit 2; every wrong variable is named with its value's fault; an unknown one is met with the nearest name."""
    code, said = ended(
        Peer(
            tmp_path, "wrong", CHORUS_P2P_PORT="70000", CHORUS_DRAIN_TIMEOUT="soon", CHORUS_BOOTSTRAP_PEERS="nonsense",
            CHORUS_NETWORK_KEY="tooshort", CHORUS_AGENT_MAX_TASK="3",
        )
    )  # fmt: skip

    assert code == 2
    for name in (
        "CHORUS_P2P_PORT",
        "CHORUS_DRAIN_TIMEOUT",
        "CHORUS_BOOTSTRAP_PEERS",
        "CHORUS_NETWORK_KEY",
        "CHORUS_AGENT_MAX_TASKS",
    ):
        assert name in said
    assert "tooshort" not in said
    assert "Traceback" not in said


def test_a_missing_licence_is_met_with_the_line_to_run(tmp_path):
    """Exit 1 before any port opens."""
    code, said = ended(Peer(tmp_path, "unlicensed", CHORUS_LICENSE_ID=""))

    assert code in (1, 2)
    assert "CHORUS_LICENSE_ID=dev-local chorus-tui" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("variable", ["CHORUS_P2P_PORT", "CHORUS_API_PORT", "CHORUS_HEALTH_PORT"])
def test_a_port_in_use_is_named_with_its_variable(tmp_path, variable):
    """Exit 1; the message names port and variable."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        code, said = ended(Peer(tmp_path, "late", **{variable: port}))

    assert code == 1
    assert port in said
    assert variable in said
    assert "Traceback" not in said


def test_a_second_start_on_one_data_folder_names_the_holder(tmp_path):
    """Exit 1 with the holder's pid; the first goes on."""
    first = Peer(tmp_path, "only").start().ready()
    try:
        code, said = ended(Peer(tmp_path, "only"))

        assert code == 1
        assert str(first.process.pid) in said
        assert "Traceback" not in said[-2000:]
        assert first.get("/api/v1/hello")
    finally:
        first.stop()


def test_an_unreachable_bootstrap_peer_is_said_and_the_peer_goes_on_trying(tmp_path):
    """It founds no mesh of its own; status names the address and the reason."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
    peer = Peer(tmp_path, "alone", CHORUS_BOOTSTRAP_PEERS=f"/ip4/127.0.0.1/tcp/{port}").start().ready()
    try:
        status = eventually("it says so", lambda: str(port) in str(peer.status()) and peer.status(), 20)
        refused = peer.run("task", "announce", "--title", "x", "--command", "true")

        assert status["mesh_id"] is None
        assert refused.returncode == 1
        assert "mesh" in refused.stderr
        assert "Traceback" not in peer.log.read_text()
    finally:
        assert peer.stop() == 0


def test_without_docker_it_is_not_ready_and_tasks_wait_in_words(tmp_path):
    """No Docker: ready says so, a task waits and says why; with no worker nothing is lost."""
    peer = Peer(tmp_path, "bare", DOCKER_HOST=f"unix://{tmp_path}/none.sock").start().ready()
    try:
        eventually("it founded", lambda: peer.status().get("mesh_id"), 20)
        task_id = peer.announce("--title", "waits", "--command", "true")

        task = eventually(
            "it waits, with the reason", lambda: peer.task(task_id)["state"] == "waiting" and peer.task(task_id), 15
        )

        assert task["detail"]
        assert any("ocker" in check["detail"] or "ocker" in check["name"] for check in peer.status()["checks"])
        assert peer.get("/ready") is None
        assert peer.get("/healthz") is not None
    finally:
        assert peer.stop() == 0


@pytest.mark.docker
@pytest.mark.parametrize(
    ("arguments", "state", "words"),
    [
        (["--image", "localhost/no-such-image:1", "--command", "true"], "failed", "no-such-image"),
        (["--command", "no-such-command-here"], "failed", "no-such-command-here"),
        (["--command", "sleep 60", "--timeout", "1"], "budget_exhausted", "time"),
    ],
    ids=["unknown image", "command not found", "time over"],
)
def test_a_task_that_cannot_work_ends_with_the_reason(trio_of_peers, arguments, state, words):
    """The end is an end, and its reason names what was wrong."""
    alpha = trio_of_peers[0]
    task_id = alpha.announce("--title", "cannot", *arguments)

    shown = ends_well(alpha, task_id)

    assert shown["state"] == state
    assert words in str(shown["detail"]) + str(shown["attempts"])


@pytest.mark.docker
def test_output_that_is_no_utf8_is_shown_and_kept(trio_of_peers):
    """The task completes; what is readable is shown; control sequences do not reach the reader."""
    alpha, beta, _ = trio_of_peers
    task_id = alpha.announce("--title", "bytes", "--command", r"printf 'a\377b\033[31mred\n'")

    ends_well(alpha, task_id)
    becomes("another knows of the end", lambda: beta.task(task_id).get("state"), "completed")
    human = beta.run("task", "show", task_id)

    assert "\x1b[31m" not in human.stdout
    assert "red" in human.stdout


def test_a_path_that_is_no_repository_is_refused_at_once(trio_of_peers, tmp_path):
    """The announcement is refused (exit 2: wrong use) with the path and the way out; no task is left behind."""
    alpha = trio_of_peers[0]
    before = len(alpha.json("task", "list")["tasks"])

    done = alpha.run("task", "announce", "--title", "x", "--command", "true", "--repository", str(tmp_path))

    assert done.returncode == 2
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr
    assert len(alpha.json("task", "list")["tasks"]) == before


def test_no_engine_is_exit_4_with_how_to_start_one(tmp_path):
    """The command line starts no engine by itself; it says how to."""
    done = Peer(tmp_path, "absent").run("status")

    assert done.returncode == 4
    assert "chorus-tui" in done.stderr


def test_help_and_version_need_no_settings():
    """``--help``, ``-h``, ``--version``, ``-v`` exit 0 in an empty environment."""
    for flag in ("--help", "-h", "--version", "-v"):
        done = subprocess.run(
            [*CLI, flag],
            env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=80, check=False,
        )  # fmt: skip

        assert done.returncode == 0, done.stderr
        assert "chorus-tui" in done.stdout


def test_over_quota_is_refused_with_the_limit_and_what_ends_passes(tmp_path):
    """The third announcement within a minute is refused and not kept; the error names limit, variable and when it ends; a
    cancellation passes."""
    peer = Peer(tmp_path, "busy", CHORUS_FEED_PER_MINUTE="2", CHORUS_AGENT_MAX_TASKS="0").start().ready()
    try:
        eventually("it founded", lambda: peer.status().get("mesh_id"), 20)
        kept = [peer.announce("--title", f"{n}", "--command", "true") for n in range(2)]
        refused = peer.run("task", "announce", "--title", "over", "--command", "true")

        assert refused.returncode == 1
        for word in ("2 things within a minute", "CHORUS_FEED_PER_MINUTE", "again in"):
            assert word in refused.stderr
        assert {task["task_id"] for task in peer.json("task", "list")["tasks"]} == set(kept)
        assert peer.run("task", "cancel", kept[0]).returncode == 0
    finally:
        assert peer.stop() == 0
