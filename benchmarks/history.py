"""Real peers of which one has a long history and another fetches it."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.system import long_feed
from tests.integration.system.peers import Mesh, Peer, eventually

PATIENCE_S = 900.0


@contextmanager
def old_peer(entries: int) -> Iterator[Mesh]:
    """A mesh of one peer that has said so much; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="chorus-bench-") as folder:
        long_feed.make(Path(folder) / "old", entries)
        mesh = Mesh(Path(folder))
        try:
            old = mesh.add("old").ready(120)
            eventually("it has a mesh", lambda: old.status().get("mesh_id"))
            yield mesh
        finally:
            mesh.stop()


def fetch(mesh: Mesh, entries: int) -> float:
    """Seconds that a fresh peer needs for an entry; it has gone when this returns.

    From the first of them that it is seen to have to the last: the start of a process is no part of it, and who has the history is
    stopped until then.
    """
    (old,) = mesh.peers
    fresh = mesh.add("fresh", CHORUS_DISCOVERY_GRACE="60")
    old.signal(signal.SIGSTOP)
    try:
        fresh.ready()
        old.signal(signal.SIGCONT)
        first = eventually("it begins", lambda: _held(fresh) > 10 and (_held(fresh), time.monotonic()))
        eventually("it has all", lambda: _held(fresh) >= entries, PATIENCE_S)
        seconds = time.monotonic() - first[1]
        assert first[0] < entries / 2, f"it had {first[0]} of {entries} before it was looked at: ask for more entries"
        verified = fresh.json("journal", "verify")
        assert verified["ok"], verified
        return float(seconds / (_held(fresh) - first[0]))
    finally:
        old.signal(signal.SIGCONT)
        mesh.peers.remove(fresh)
        fresh.stop()
        shutil.rmtree(fresh.data_dir)


def _held(peer: Peer) -> int:
    return int(peer.status()["feed_entries"])
