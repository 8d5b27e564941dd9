"""What peers said while they were hurt: a line of JSON each, with the time, written down as it is heard.

The record is evidence: nothing is judged here, an answer that did not come is no line, and a run that is killed leaves
every line that was written before.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from chorus_tui import locations
from tests.integration.system.peers import Peer

PERIOD_S = 1.0
DELIVERIES = 40


class Record:
    """Lines of one run; many threads may write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")

    def add(self, peer: str, what: str, said: Any, **more: Any) -> None:
        """One line: at which second, who, what kind of saying, and the saying itself."""
        line = json.dumps({"at": time.time(), "peer": peer, "what": what, "said": said, **more}, ensure_ascii=False)
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")

    def lines(self) -> list[dict[str, Any]]:
        """Everything so far, in the order of writing."""
        with self._lock:
            self._file.flush()
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._file.close()


@contextlib.contextmanager
def watched(record: Record, peers: dict[str, Peer], ids: dict[str, str]) -> Iterator[None]:
    """While this is open, every peer is asked about once a second what its screens would show.

    Each has a thread of its own: one that sleeps or is dead delays nobody else's answers.
    """
    over = threading.Event()
    threads = [
        threading.Thread(target=_watch, args=(record, name, peer, ids[name], over), daemon=True)
        for name, peer in peers.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(10)


def _watch(record: Record, name: str, peer: Peer, peer_id: str, over: threading.Event) -> None:
    transport = httpx.HTTPTransport(uds=str(locations.socket_path(peer.data_dir)), verify=False)
    with httpx.Client(transport=transport, base_url="http://engine", timeout=5) as client:
        turn = 0
        while not over.is_set():
            _sample(record, name, client, turn, peer_id)
            turn += 1
            over.wait(PERIOD_S)


def _sample(record: Record, name: str, client: httpx.Client, turn: int, peer_id: str) -> None:
    """Status and list always; peers, the election, deliveries and one task after the other in turn."""
    _ask(record, name, client, "status", "/api/v1/status")
    board = _ask(record, name, client, "tasks", "/api/v1/tasks", limit=500)
    if turn % 3 == 0:
        _ask(record, name, client, "journal", "/api/v1/journal", author=peer_id, limit=DELIVERIES)
    if turn % 5 == 0:
        _ask(record, name, client, "peers", "/api/v1/peers")
        _ask(record, name, client, "election", "/api/v1/election")
    rows = board["tasks"] if board else []
    for row in rows[turn % 4 :: 4][:6]:
        _ask(record, name, client, "task", f"/api/v1/tasks/{row['task_id']}")


def _ask(record: Record, name: str, client: httpx.Client, what: str, path: str, **query: Any) -> Any:
    with contextlib.suppress(httpx.TransportError):
        answer = client.get(path, params=query)
        if answer.status_code == 200:
            record.add(name, what, answer.json())
            return answer.json()
    return None
