"""Variables whose effect is outside the engine that has them: what another peer, an HTTP client, its log and its sandboxes show.

One engine has them all set, a person's has none of them and joins it. Every variable's place inside an engine is in
``tests/unit/engine/test_variables.py``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.system.peers import Mesh, Peer, eventually, mesh
from tests.support.held_port import held_port

ELSEWHERE = "/ip4/192.0.2.9/tcp/1"
MIB = 1 << 20
SET = {
    "CHORUS_AGENT_SPECIALIZATION": "parsers", "CHORUS_ANNOUNCE_ADDRESSES": ELSEWHERE, "CHORUS_APPROVAL": "always",
    "CHORUS_BACKBEAT_ENABLED": "false", "CHORUS_ELECTION_EXPECT": "2", "CHORUS_EPHEMERAL": "true",
    "CHORUS_FEED_TOTAL_MB": "1", "CHORUS_HEALTH_HOST": "127.0.0.3", "CHORUS_LOG_FORMAT": "text", "CHORUS_LOG_LEVEL": "warning",
    "CHORUS_SANDBOX_CPUS": "0.5", "CHORUS_SANDBOX_MEMORY_MB": "333", "CHORUS_SANDBOX_WARM": "2",
}  # fmt: skip
SEEN = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true"


@pytest.fixture(scope="module")
def both(tmp_path_factory, base_image) -> Iterator[tuple[Peer, Peer, Mesh]]:
    """(the one that has them, the one that has not), in one mesh, which the first did not found alone."""
    with held_port("127.0.0.3") as port, mesh(tmp_path_factory.mktemp("variables")) as made:
        has = made.add("has", CHORUS_HEALTH_PORT=str(port), **SET).ready()
        # CHORUS_ELECTION_EXPECT: alone it waits, long after the second that it would have looked for others.
        eventually("it looks for others", lambda: "Waiting for 2 peers" in json.dumps(has.status()), 10)
        assert has.status()["mesh_id"] is None
        inside = next(address for address in has.status()["addresses"] if not address.startswith(ELSEWHERE))
        # The mesh has the rules of its founder, which is the one of the smaller id once it has looked for long enough.
        patient = {"CHORUS_BOOTSTRAP_PEERS": inside, "CHORUS_AGENT_MAX_TASKS": "0", "CHORUS_DISCOVERY_GRACE": "600"}
        plain = Peer(made.folder, "plain", kind="human", **patient).start().ready()
        while plain.peer_id < has.peer_id:
            plain.stop()
            shutil.rmtree(plain.data_dir)
            plain.start().ready()
        made.peers.append(plain)
        eventually("one mesh", made.whole, 40)
        assert has.status()["admin"]["agent_id"] == "has"
        yield has, plain, made


def entries(peer: Peer, author: Peer, type_: str) -> list[dict[str, Any]]:
    """What ``peer`` holds of what ``author`` said."""
    found = peer.get("/api/v1/journal", author=author.peer_id, type=type_, limit=50)["entries"]
    return [entry["body"]["data"] for entry in found]


def test_what_other_peers_see(both):
    """Its specialization in what it says it can; its address first of all; its identity marked as one that is lost with its container."""
    has, plain, _ = both
    capable = eventually("it has told what it can", lambda: entries(plain, has, "role_announcement"))

    assert capable[-1]["specialization"] == "parsers"
    other = eventually("so has the other", lambda: entries(has, plain, "role_announcement"))
    assert other[-1]["specialization"] == "general"
    assert has.status()["addresses"][0].startswith(ELSEWHERE)
    assert ELSEWHERE in has.run("invite").stdout
    assert re.search(r"has\W[^{}]*ephemeral\W+true", plain.control_log())


def test_what_a_client_and_the_log_show(both):
    """Probes at its own address and no other; no beat; a log in words that begins with warnings, the other's in JSON with all."""
    has, plain, _ = both
    port = int(has.environment["CHORUS_HEALTH_PORT"])

    assert httpx.get(f"http://127.0.0.3:{port}/healthz", timeout=240).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=240)
    assert has.status()["beats"] is None
    assert "info" not in has.log.read_text()
    assert all(line.startswith("{") for line in plain.log.read_text().splitlines())
    assert '"level": "info"' in plain.log.read_text()


@pytest.mark.docker
def test_what_its_sandboxes_show(both):
    """Nothing is taken before people agree; then memory and processors of the sandbox are no more than set, and two wait for the next."""
    has, plain, _ = both
    task_id = plain.announce("--title", "looks round", "--command", SEEN, "--command", "sleep 4", "--memory-mb", "2048")
    eventually("people are asked", lambda: task_id in json.dumps(plain.get("/api/v1/inbox")))
    waits = plain.task(task_id)
    assert (waits["state"], waits["attempts"]) == ("waiting", [])
    assert plain.run("task", "approve", task_id).returncode == 0
    owned = ["docker", "ps", "-q", "--filter", f"label=chorus.owner={has.peer_id}"]

    def running() -> list[dict[str, Any]]:
        ids = subprocess.run(owned, capture_output=True, text=True, check=True).stdout.split()
        found = (
            subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=False).stdout
            if ids
            else "[]"
        )
        return [one["HostConfig"] for one in json.loads(found or "[]")]

    (limits, *_) = eventually("it runs", running, 40)
    assert limits["Memory"] == limits["MemorySwap"] == 333 * MIB
    assert limits["NanoCpus"] == 500_000_000 or limits["CpuQuota"] / limits["CpuPeriod"] == 0.5
    eventually("it is done", lambda: plain.task(task_id).get("state") == "completed", 60)
    eventually("two wait", lambda: len(running()) == 2, 40)


def test_what_it_may_announce(both):
    """At most a MiB that everybody must keep: then it is told to wait or to erase, and what it said stays."""
    has, plain, _ = both
    said = 0
    for number in range(80):
        status, answer = has.post(
            "/api/v1/tasks", {"spec": {"title": f"{number}", "description": "x" * 20_000, "commands": ["true"]}}
        )
        if status != 200:
            break
        said += 1
    told = json.dumps(answer)

    assert (status, 30 < said < 56) == (429, True), (status, said, told)
    assert re.search("CHORUS_FEED_TOTAL_MB|erase", told), told
    assert (
        plain.post("/api/v1/tasks", {"spec": {"title": "goes", "commands": ["true"], "approval": "always"}})[0] == 200
    )
