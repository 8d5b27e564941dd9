"""What a result names, held by others before it is said, and had when its worker is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.system.peers import Mesh, eventually

pytestmark = pytest.mark.docker


def finished(made: Mesh) -> tuple[dict, str]:
    """A task with one file, done; as it is shown, and the blob's digest."""
    task_id = made.peers[0].announce(
        "--title", "a file", "--command", "head -c 3000000 /dev/zero > /workspace/output/x"
    )
    shown = eventually(
        "the task is done", lambda: (view := made.peers[0].task(task_id)).get("state") == "completed" and view, 60
    )
    return shown, f"sha256:{shown['result']['artifacts'][0]['sha256']}"


def test_a_result_is_held_by_others_before_it_is_said(fresh_mesh: Mesh, tmp_path: Path) -> None:
    """Two other members hold the file when the result is said; with the worker killed for good it is still had,
    whole, and a pin by hand, the figures and the holders are shown by the command line."""
    alpha, beta, _, _ = fresh_mesh.grow("alpha", "beta", "gamma", "delta")
    shown, digest = finished(fresh_mesh)

    assert shown["result"]["held_by"] >= 2
    assert "other members when the result was said" in alpha.run("task", "show", shown["task_id"]).stdout
    worker = next(peer for peer in fresh_mesh.peers if peer.name == shown["attempts"][-1]["worker_name"])
    asker = beta if worker is not beta else alpha
    eventually("it knows of the end", lambda: asker.task(shown["task_id"]).get("state") == "completed")
    worker.kill()
    got = asker.run("task", "artifacts", shown["task_id"], "--to", str(tmp_path / "got"))
    assert got.returncode == 0, got.stderr
    assert (tmp_path / "got" / "x").stat().st_size == 3_000_000

    pinned = asker.json("blobs", "pin", digest)
    assert "pinned by hand" in pinned["pinned"]
    listed = asker.json("blobs", "list")["blobs"]
    assert digest in {blob["digest"] for blob in listed}
    stats = asker.json("blobs", "stats")
    assert stats["bytes"] >= 3_000_000
    assert stats["pinned"] >= 1
    holders = eventually(
        "both others that live hold it",
        lambda: len((h := asker.json("blobs", "holders", digest))["holders"]) == 2 and h,
        40,
    )
    assert holders["held_here"]
    assert "pinned by hand" not in asker.json("blobs", "unpin", digest)["pinned"]


def test_a_worker_alone_says_that_nobody_else_holds_its_files(fresh_mesh: Mesh) -> None:
    """A mesh of one has nobody to give a copy to: the result says so, and the command line shows it."""
    (alone,) = fresh_mesh.grow("alone")
    shown, digest = finished(fresh_mesh)

    assert shown["result"]["held_by"] == 0
    assert "only its worker held them" in alone.run("task", "show", shown["task_id"]).stdout
    assert alone.json("blobs", "holders", digest)["holders"] == []
