"""Records of a vote and of a task between real engines: opened by who may, refused to who may not, there when their maker is gone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.system.peers import Mesh, Peer, eventually, mesh

FORBIDDEN = "UCXL-403-FORBIDDEN"


def decided(made: Mesh, proposer: Peer) -> str:
    """The address of the record of a vote that all take part in."""
    id_ = proposer.run("decide", "propose", "--title", "Use PostgreSQL", "--deadline", "10m").stdout.strip()
    for peer in made.peers:
        path = f"/api/v1/decisions/{id_}"
        eventually(f"{peer.name} knows it", lambda peer=peer, path=path: peer.get(path))
        peer.json("decide", "vote", id_, "approve", "--final")
    eventually("a record is kept by all", lambda: all(peer.get(path)["record_here"] for peer in made.peers), 90)
    return proposer.get(path)["ucxl"]


def worked(asker: Peer, worker: str) -> str:
    """The address of the record of a task that ``worker`` did."""
    task_id = asker.announce("--title", "Say done", "--project", "shop", "--command", "echo done")
    eventually("completed", lambda: asker.task(task_id).get("state") == "completed", 90)
    return f"ucxl://{worker}:member@shop:{task_id}/*^/decisions/result"


def opened(peer: Peer, address: str) -> dict | None:
    """What ``ucxl get`` prints there."""
    done = peer.run("ucxl", "get", address)
    return json.loads(done.stdout) if done.returncode == 0 else None


def by_age(peer: Peer, address: str, to: Path) -> subprocess.CompletedProcess[bytes]:
    """The stored file, opened by the age command with the peer's own key file."""
    done = peer.run("ucxl", "get", address, "--raw", "--to", str(to))
    assert done.returncode == 0, done.stderr
    key = peer.data_dir / "age.key"
    return subprocess.run(["age", "--decrypt", "-i", str(key), str(to)], capture_output=True, check=False)


def forget_bytes(peer: Peer, file: Path) -> None:
    """Take a stored blob from a peer's disk."""
    digest = subprocess.run(["sha256sum", str(file)], capture_output=True, text=True, check=True).stdout.split()[0]
    for path in peer.data_dir.glob(f"blobs/*/{digest}"):
        path.unlink()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("dht", ["true", "false"])
def test_records_are_read_by_who_may_and_outlive_their_makers(tmp_path, dht):
    """A person who may decide proposes: another such person opens the record, by the command line and by the age command; an agent,
    whose authority does not reach it, is refused by both. Of a task all open it. The makers are killed and their data is gone: it
    is still read, and with the DHT on also when no disk has the bytes any more."""
    with mesh(tmp_path) as made:
        (ada,) = made.grow("ada", CHORUS_AGENT_MAX_TASKS="0", CHORUS_DHT_ENABLED=dht)
        (grace,) = made.grow("grace", CHORUS_DHT_ENABLED=dht)
        you = made.add("you", kind="human", CHORUS_DHT_ENABLED=dht)
        you.ready()
        eventually("you are a member", made.whole, 40)
        linus = made.add("linus", kind="human", CHORUS_DHT_ENABLED=dht)
        linus.ready()
        eventually("one mesh with all members", made.whole, 40)
        vote, task = decided(made, linus), worked(you, "grace")

        read = eventually("the vote's record opens", lambda: opened(you, vote), 60)
        done = eventually("the task's record opens", lambda: opened(linus, task), 60)
        assert read["record"]["title"] == "Use PostgreSQL"
        assert read["record"]["ucxl"] == vote
        assert len(read["record"]["votes"]) == 4
        assert (done["record"]["title"], done["record"]["commands"]) == ("Say done", ["echo done"])
        assert done["signed_by"] == grace.peer_id
        files = {vote: tmp_path / "vote.age", task: tmp_path / "task.age"}
        assert json.loads(by_age(you, vote, files[vote]).stdout) == read
        assert json.loads(by_age(linus, task, files[task]).stdout) == done
        refused = grace.run("ucxl", "get", vote)
        assert refused.returncode == 1
        assert FORBIDDEN in refused.stderr
        assert by_age(grace, vote, tmp_path / "grace.age").returncode != 0
        assert opened(grace, task) == done

        for gone in (ada, grace):
            gone.kill()
            shutil.rmtree(gone.data_dir)
        if dht == "true":
            for peer in (you, linus):
                for file in files.values():
                    forget_bytes(peer, file)
        for peer in (you, linus):
            assert opened(peer, vote) == read
            assert opened(peer, task) == done
