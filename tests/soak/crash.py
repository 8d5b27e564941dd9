"""``kill -9`` of a real engine under load, many times: each time its stores open and verify, and nothing promised is lost.

``python -m tests.soak crash --rounds N``. Four people announce and cancel tasks as fast as they are answered; an answer is
a promise. Every twenty rounds the data folder is a new one: what is tested is the crash, not a large board.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from chorus_tui import locations
from tests.integration.system.peers import Peer, eventually
from tests.soak.row import Row

ROUNDS = 200
ROUNDS_A_FOLDER = 20
PEOPLE = 4
LOAD_S = (0.05, 1.5)
TASK = {"spec": {"title": "soak", "commands": ["true"]}}


class Promised:
    """What the engine answered for: tasks it took, and those of them that it called cancelled."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.cancelled: set[str] = set()

    def broken(self, peer: Peer) -> str:
        """What of it the engine, started again, does not hold; empty when it holds all."""
        verified = peer.json("journal", "verify")
        held = {row["task_id"]: row["state"] for row in board(peer)}
        if not verified["ok"]:
            return f"the stores do not verify: {verified}"
        if self.taken - held.keys():
            return f"tasks lost: {sorted(self.taken - held.keys())}"
        alive = [task for task in self.cancelled if held[task] != "cancelled"]
        return f"cancelled and back again: {sorted(alive)}" if alive else ""


def board(peer: Peer) -> Iterator[dict[str, Any]]:
    """Every task on its board, page by page."""
    more: dict[str, str] = {}
    while more is not None:
        page = peer.get("/api/v1/tasks", limit=1000, **more)
        yield from page["tasks"]
        more = {"cursor": page["next"]} if page["next"] else None


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round lost something."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak crash")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--anew", action="store_true", help="forget what was found before")
    asked = parser.parse_args(arguments)
    row = Row("crash", anew=asked.anew, people=PEOPLE)
    while row.done < asked.rounds:
        with tempfile.TemporaryDirectory(prefix="chorus-soak-") as folder:
            some_rounds(Path(folder), row, min(asked.rounds, row.done + ROUNDS_A_FOLDER))
    return 1 if row.failed else 0


def some_rounds(folder: Path, row: Row, until: int) -> None:
    """Rounds on one data folder; each looks at what the crash before it left. Ends after a round that failed."""
    peer = Peer(folder, "crashing", CHORUS_AGENT_MAX_TASKS="0", CHORUS_DISCOVERY_GRACE="0")
    promised = Promised()
    peer.start().ready()
    eventually("it leads its mesh", lambda: peer.status().get("admin"))
    try:
        while row.done < until:
            crash_under_load(peer, promised, random.Random(row.done))
            began = time.monotonic()
            peer.start().ready()
            back = round(time.monotonic() - began, 3)
            eventually("it leads its mesh again", lambda: peer.status().get("admin"))
            why = promised.broken(peer)
            if why:
                row.fail(why)
                return
            row.add(seconds=back, taken=len(promised.taken), cancelled=len(promised.cancelled))
            print(row.line(until), flush=True)
    finally:
        peer.stop()


def crash_under_load(peer: Peer, promised: Promised, chance: random.Random) -> None:
    """Load for a while, killed in the middle of it."""
    people = [threading.Thread(target=announce_and_cancel, args=(peer, promised)) for _ in range(PEOPLE)]
    for person in people:
        person.start()
    time.sleep(chance.uniform(*LOAD_S))
    peer.kill()
    for person in people:
        person.join(30)


def announce_and_cancel(peer: Peer, promised: Promised) -> None:
    """Until nobody answers: a task, and every other one is cancelled again."""
    transport = httpx.HTTPTransport(uds=str(locations.socket_path(peer.data_dir)), verify=False)
    with httpx.Client(transport=transport, base_url="http://engine/api/v1", timeout=30) as client:
        cancels = False
        while True:
            try:
                task = client.post("/tasks", json=TASK).raise_for_status().json()
                promised.taken.add(task["task_id"])
                if cancels:
                    client.post(f"/tasks/{task['task_id']}/cancel", json={}).raise_for_status()
                    promised.cancelled.add(task["task_id"])
                cancels = not cancels
            except httpx.TransportError:
                return
