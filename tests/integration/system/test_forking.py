"""A peer that lies, as a real process over the real wire: everybody knows soon, and anybody can check the proof."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.integration.system.forking import TITLE
from tests.integration.system.peers import CLI, Peer, eventually

HEARTBEATS_S = 10.0


def named(peer: Peer) -> bool:
    """Whether its status names the liar."""
    checks = peer.status()["checks"]
    return any(
        check["level"] == "degraded" and "two different things" in check["detail"] and "liar" in check["detail"]
        for check in checks
    )


def branches(peer: Peer) -> set[str]:
    """Hashes of all branches of forks that it shows."""
    return {branch["hash"] for fork in peer.get("/api/v1/journal/forks")["forks"] for branch in fork["branches"]}


def states(peer: Peer, *task_ids: str) -> list[str | None]:
    """Of these tasks, as the peer shows them."""
    return [peer.task(task_id).get("state") for task_id in task_ids]


def verified(file, tmp_path, *options: str) -> subprocess.CompletedProcess[str]:
    """``journal verify`` as on a machine that knows nothing of the mesh."""
    empty = tmp_path / "elsewhere"
    empty.mkdir(exist_ok=True)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(empty), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [*CLI, "journal", "verify", *options, str(file)], env=environment, cwd=empty, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert list(empty.iterdir()) == []
    return done


def test_a_fork_is_named_by_all_and_proven_to_anybody(fresh_mesh, tmp_path):
    """One peer signs two things under one number. Every other peer's status names it within two heartbeats of the first; an export
    of any of them proves who, where and which two hashes, offline, and a changed byte in it is named; what was granted or accepted
    is as before. A master finds it in the inbox and decides, once. A stopped peer rebuilds its journal, a running one does not."""
    ada, ben, cleo = peers = fresh_mesh.grow("ada", "ben", "cleo", CHORUS_AGENT_MAX_TASKS="0")
    environment = {"CHORUS_BOOTSTRAP_PEERS": ada.address, "CHORUS_AGENT_MAX_TASKS": "0"}
    program = [sys.executable, "-m", "tests.integration.system.forking"]
    liar = Peer(fresh_mesh.folder, "liar", program=program, **environment).start()
    fresh_mesh.peers.append(liar)
    done, held = (ben.announce("--title", title, "--command", "true") for title in ("done", "held"))
    for task_id in (done, held):
        ben.json("task", "claim", task_id)
    patch = tmp_path / "x.patch"
    patch.write_text("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n")
    ben.json("task", "submit", done, "--patch", str(patch))
    liar.ready()
    eventually("one mesh", fresh_mesh.whole, 30)
    eventually("all know", lambda: all(states(peer, done, held) == ["completed", "running"] for peer in peers), 20)
    before = [[peer.task(task_id)["attempts"] for task_id in (done, held)] for peer in peers]

    liar.announce("--title", TITLE, "--command", "true")
    eventually("the first sees it", lambda: any(named(peer) for peer in peers), 20)
    eventually("all see it", lambda: all(named(peer) for peer in peers), HEARTBEATS_S)

    assert [[peer.task(task_id)["attempts"] for task_id in (done, held)] for peer in peers] == before
    assert [states(peer, done, held) for peer in peers] == [["completed", "running"]] * 3
    eventually("all hold the evidence", lambda: all(len(branches(peer)) == 2 for peer in peers), HEARTBEATS_S)
    for peer in peers:
        assert "liar" in json.dumps(peer.json("status")["checks"])
    folder = tmp_path / "out"
    folder.mkdir()
    assert ben.run("journal", "export", "--to", str(folder)).returncode == 0
    checked = verified(folder / "journal.jsonl", tmp_path, "--json")
    found = json.loads(checked.stdout)
    assert (checked.returncode, found["ok"], found["problems"]) == (0, True, [])
    (fork,) = [fork for fork in found["proven"] if fork["author"] == liar.peer_id]
    assert len(fork["hashes"]) == 2
    assert [branches(peer) for peer in peers] == [set(fork["hashes"])] * 3
    file = folder / "journal.jsonl"
    said = verified(file, tmp_path).stdout
    assert f"{liar.peer_id} said two different things" in said
    assert "both signatures are right" in said
    lines = file.read_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b'"evidence"' in line)
    lines[at] = lines[at].replace(b'"sig": "', b'"sig": "0')
    file.write_bytes(b"".join(lines))
    spoiled = verified(file, tmp_path)
    assert spoiled.returncode == 1
    assert f"line {at + 1}: " in spoiled.stdout

    waits = [item for peer in peers for item in peer.json("inbox", "list")["inbox"] if item["kind"] == "mismatch"]
    assert {choice for item in waits for choice in item["choices"]} == {hash_[:12] for hash_ in fork["hashes"]}
    master = next(peer for peer in peers if peer.json("inbox", "list")["inbox"])
    assert master.run("inbox", "answer", waits[0]["item_id"], fork["hashes"][0][:12]).returncode == 0
    eventually("decided", lambda: all(branches(peer) == set() for peer in peers), HEARTBEATS_S)
    assert [peer.json("inbox", "list")["inbox"] for peer in peers] == [[], [], []]
    again = master.run("inbox", "answer", waits[0]["item_id"], fork["hashes"][1][:12])
    assert again.returncode != 0
    assert "does not wait any more" in again.stderr

    running = cleo.run("journal", "rebuild", "--data-dir", str(cleo.data_dir))
    assert running.returncode == 1
    assert "Another engine runs" in running.stderr
    assert cleo.stop() == 0
    rebuilt = cleo.run("journal", "rebuild", "--data-dir", str(cleo.data_dir), "--json")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert json.loads(rebuilt.stdout)["corrected"] == 0
