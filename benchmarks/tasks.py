"""A no-op task from announcement to accepted result, beside a bare container that does the same."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, compare, timed
from tests.integration.system.peers import Mesh, eventually

IMAGE = "chorus-base:latest"
HARDENED = ["--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--init"]


def bare() -> float:
    """Seconds of one ``docker run --rm`` of the same, hardened alike."""
    return timed(
        lambda: subprocess.run(["docker", "run", "--rm", *HARDENED, IMAGE, "true"], check=True, capture_output=True)
    )


def rows() -> Iterator[Row]:
    """One peer that announces, grants and runs."""
    with tempfile.TemporaryDirectory() as folder:
        mesh = Mesh(Path(folder))
        try:
            (peer,) = mesh.grow("bench")
            eventually("Docker is seen", lambda: peer.get("/ready"))

            def ours() -> float:
                started = time.perf_counter()
                task_id = peer.announce("--title", "no-op", "--command", "true")
                eventually("accepted", lambda: peer.task(task_id).get("state") == "completed")
                return time.perf_counter() - started

            yield compare(
                "tasks", "announce → accepted, one peer", ours, "docker run of the same", bare, "overhead ≤ 60 ms warm"
            )
        finally:
            mesh.stop()
