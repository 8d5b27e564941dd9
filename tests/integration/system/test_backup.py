"""A backup of a voter under load, its disk lost, and the peer back from the backup."""

from __future__ import annotations

import shutil
import subprocess
import threading

import httpx

from chorus_tui import locations
from tests.integration.system.peers import Peer, eventually

TASK = {"spec": {"title": "under load", "commands": ["true"]}}


class Load:
    """People who announce tasks to a peer as fast as they are answered, and cancel every other one, until stopped or it is gone."""

    def __init__(self, peer: Peer, people: int) -> None:
        self.taken: set[str] = set()
        self.cancelled: set[str] = set()
        self._peer = peer
        self._stop = threading.Event()
        self._people = [threading.Thread(target=self._work) for _ in range(people)]
        for person in self._people:
            person.start()

    def _work(self) -> None:
        transport = httpx.HTTPTransport(uds=str(locations.socket_path(self._peer.data_dir)), verify=False)
        with httpx.Client(transport=transport, base_url="http://engine/api/v1", timeout=60) as client:
            cancels = False
            while not self._stop.is_set():
                try:
                    task = client.post("/tasks", json=TASK).raise_for_status().json()["task_id"]
                    self.taken.add(task)
                    if cancels:
                        client.post(f"/tasks/{task}/cancel", json={}).raise_for_status()
                        self.cancelled.add(task)
                except httpx.TransportError:
                    return
                cancels = not cancels

    def stop(self) -> None:
        self._stop.set()
        for person in self._people:
            person.join(60)


def board(peer: Peer) -> dict[str, str]:
    """Every task it knows, with its state."""
    tasks, more = {}, {}
    while more is not None:
        page = peer.get("/api/v1/tasks", limit=1000, **more)
        tasks |= {task["task_id"]: task["state"] for task in page["tasks"]}
        more = {"cursor": page["next"]} if page["next"] else None
    return tasks


def test_a_voter_is_backed_up_under_load_lost_and_restored(fresh_mesh, tmp_path):
    """While people work on two of three voters one is backed up, killed and its disk lost. Restored into an empty folder every entry
    verifies and all that was answered before the backup began is there. It is the same peer; it says that it does not vote, the
    admin makes it a voter anew, it fetches what it missed, and all three hold one history. The age command opens the backup."""
    settings = {
        "CHORUS_AGENT_MAX_TASKS": "0",
        "CHORUS_FEED_PER_MINUTE": "60000",
        "CHORUS_API_RATE": "100000",
        "CHORUS_ELECTION_PROFILE": "fast",
    }
    alpha, beta, gamma = fresh_mesh.grow("alpha", "beta", "gamma", **settings)
    eventually("three voters", lambda: len(alpha.voters()) == 3, 60)
    me = gamma.peer_id
    on_admin, on_gamma = Load(alpha, 1), Load(gamma, 2)
    try:
        eventually("it is at work", lambda: len(on_gamma.cancelled) > 20, 60)
        promised, ended = set(on_gamma.taken), set(on_gamma.cancelled)
        made = gamma.json("backup", "--to", f"{tmp_path}/b.age", "--new-key", f"{tmp_path}/key")
        assert len(on_gamma.taken) > len(promised)  # it went on meanwhile
        gamma.kill()
    finally:
        on_gamma.stop()
        on_admin.stop()
    shutil.rmtree(gamma.data_dir)
    listed = subprocess.run(
        f"age -d -i {tmp_path}/key {tmp_path}/b.age | tar t", shell=True, capture_output=True, text=True, check=True
    ).stdout.split()  # fmt: skip
    restored = gamma.json("restore", f"{tmp_path}/b.age", "--key", f"{tmp_path}/key")

    assert (listed[0], listed[-1]) == ("backup.json", "SHA256SUMS")
    assert {"control.db", "journal.db", "identity.key", "age.key", "api.tokens"} <= set(listed)
    assert restored["peer_id"] == made["peer_id"] == me
    assert restored["problems"] == []
    assert restored["entries"] >= len(promised) + len(ended)
    assert restored["files"] == made["files"]

    again = Peer(tmp_path, "gamma", **{**settings, "CHORUS_BOOTSTRAP_PEERS": alpha.address})
    fresh_mesh.peers[2] = again.start().ready()
    assert again.peer_id == me
    assert promised <= board(again).keys()
    eventually("it fetched what it missed", lambda: board(again) == board(alpha), 60)
    assert all(board(again)[task] == "cancelled" for task in ended)
    assert "copied or restored" in again.log.read_text()
    eventually("it votes again", lambda: me in alpha.voters() and again.get("/health")["status"] != "failing", 90)
    eventually("one history", lambda: alpha.control_log() == again.control_log() == beta.control_log(), 60)
    verified = again.json("journal", "verify")
    assert verified["ok"], verified
    assert verified["forks"] == []
