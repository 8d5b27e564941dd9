"""A no-op task from announcement to accepted result, beside a bare container that does the same; with one peer and with five.

``python -m benchmarks tasks=100`` makes so many of them with each.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.measure import Figure, Row, compare, timed
from tests.integration.system.failing import admin_of
from tests.integration.system.peers import Peer, eventually, mesh

IMAGE = "chorus-base:latest"
HARDENED = ["--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--init"]
ROUNDS = 5
NAMES = {"one peer": ("ada",), "five peers": ("ada", "ben", "cleo", "dan", "eve")}
SPEC = {"title": "no-op", "commands": ["true"]}
OVERHEAD_MS = 60.0
PATIENCE_S = 60.0


def bare() -> float:
    """Seconds of one ``docker run --rm`` of the same, hardened alike."""
    return timed(
        lambda: subprocess.run(["docker", "run", "--rm", *HARDENED, IMAGE, "true"], check=True, capture_output=True)
    )


def rows(rounds: int = ROUNDS) -> Iterator[Row]:
    """Announced over the API of a peer that does not lead, when there is one."""
    for words, names in NAMES.items():
        with tempfile.TemporaryDirectory(prefix="chorus-bench-") as folder, mesh(Path(folder)) as made:
            peers = made.grow(*names)
            for peer in peers:
                eventually("Docker is seen", partial(_ready, peer))
            announcer = next((peer for peer in peers if peer is not admin_of(made)), peers[0])
            row = compare(
                "tasks", f"announce → accepted, {words}", _task(announcer), "docker run of the same", bare,
                f"overhead ≤ {OVERHEAD_MS:g} ms warm", rounds,
            )  # fmt: skip
        overhead = Figure("overhead", (row.ours - row.theirs) * 1000, "ms", at_most=OVERHEAD_MS)
        yield replace(row, figures=(overhead,))


def _ready(peer: Peer) -> bool:
    return bool(peer.get("/ready"))


def _task(peer: Peer) -> Callable[[], float]:
    """Seconds until this peer says that the result is accepted."""

    def ours() -> float:
        began = time.perf_counter()
        status, answer = peer.post("/api/v1/tasks", {"spec": SPEC})
        assert status < 300, answer
        task = peer.get(f"/api/v1/tasks/{answer['task_id']}/wait", timeout_s=PATIENCE_S)
        took = time.perf_counter() - began
        assert task["state"] == "completed", task
        return took

    return ours
