"""A fresh peer fetches a long history while the mesh works on: how fast, in how much memory, and how it answers meanwhile."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from chorus_tui import locations
from tests.integration.system import long_feed
from tests.integration.system.peers import Mesh, Peer, eventually

ANSWER_S = 1.0
"""No answer to ``status`` takes longer, here or at the peer that serves."""
MEMORY_MB = 192
"""What the fresh peer ever has resident, however long the history is."""
PATIENCE_S = 900.0


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What was measured. ``tasks``: announced while it fetched, and all done in the end."""

    entries: int
    seconds: float
    peak_mb: int
    server_peak_mb: int
    worst_answer_s: float
    tasks: int

    @property
    def per_second(self) -> float:
        return self.entries / self.seconds

    def faults(self) -> list[str]:
        """What does not hold; empty when all does."""
        found = []
        if self.peak_mb > MEMORY_MB:
            found.append(f"{self.peak_mb} MiB resident, more than {MEMORY_MB}")
        if self.worst_answer_s > ANSWER_S:
            found.append(f"an answer took {self.worst_answer_s:.2f} s, more than {ANSWER_S}")
        if not self.tasks:
            found.append("no task was done meanwhile")
        return found


def catch_up(folder: Path, entries: int) -> CaughtUp:
    """A peer with a long feed and a colleague that has it are joined by a fresh one; tasks go on all the while.

    Raises ``AssertionError`` when something is not fetched or a task is not done.
    """
    long_feed.make(folder / "old", entries)
    made = Mesh(folder)
    try:
        old = made.add("old").ready(120)
        eventually("the first peer has a mesh", lambda: old.status().get("mesh_id"))
        colleague = made.grow("colleague")[0]
        eventually("the colleague has it", lambda: colleague.status()["feed_entries"] >= entries, PATIENCE_S)
        with Working(old) as work:
            fresh = made.add("fresh", bootstrap=colleague).ready(60)
            seconds, worst = _watch(fresh, [old, colleague], entries)
        eventually(
            "every task is done", lambda: all(old.task(task)["state"] == "completed" for task in work.tasks), 120
        )
        eventually("all hold the same", lambda: len({_held(peer) for peer in made.peers}) == 1, 60)
        verified = fresh.json("journal", "verify")
        assert verified["ok"], verified
        out = [peer for one in made.peers for peer in one.get("/api/v1/peers")["peers"] if peer["ban"]]
        assert not out, f"an honest peer was kept out: {out}"
        peak, serving = _peak_mb(fresh), max(_peak_mb(old), _peak_mb(colleague))
        return CaughtUp(entries, round(seconds, 2), peak, serving, round(worst, 3), len(work.tasks))
    finally:
        made.stop()


class Working:
    """Announces one task after the other by the command line, as a person would."""

    def __init__(self, peer: Peer) -> None:
        self.tasks: list[str] = []
        self._peer = peer
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._announce, name="announcer")

    def _announce(self) -> None:
        while not self._over.is_set():
            self.tasks.append(self._peer.announce("--title", "meanwhile", "--command", "true"))
            self._over.wait(3.0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _watch(fresh: Peer, others: list[Peer], entries: int) -> tuple[float, float]:
    """Ask all of them for their status until the fresh one has everything: seconds, and the longest wait for an answer."""
    began, worst = time.monotonic(), 0.0
    doors = [_door(peer) for peer in (fresh, *others)]
    try:
        while True:
            held = []
            for door in doors:
                asked = time.monotonic()
                held.append(door.get("/api/v1/status", timeout=120).json()["feed_entries"])
                worst = max(worst, time.monotonic() - asked)
            if held[0] >= entries:
                return time.monotonic() - began, worst
            assert time.monotonic() - began < PATIENCE_S, f"{held[0]} of {entries} after {PATIENCE_S:.0f} s"
            time.sleep(0.1)
    finally:
        for door in doors:
            door.close()


def _door(peer: Peer) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(locations.socket_path(peer.data_dir)))
    return httpx.Client(transport=transport, base_url="http://engine")


def _held(peer: Peer) -> int:
    return peer.status()["feed_entries"]


def _peak_mb(peer: Peer) -> int:
    """The most that was resident in its life, MiB."""
    assert peer.process is not None
    lines = Path(f"/proc/{peer.process.pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
