"""A fresh peer fetches a long history, beside a copy of the same file over a stream. ``python -m benchmarks replication=100000``.

Both between real processes over the same mesh. The fresh peer checks what it takes and gives it to every feature; the copy does nothing.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import history
from benchmarks.measure import Figure, Row

ENTRIES = 20_000
ROUNDS = 3
TIMES = 10.0


def rows(entries: int = ENTRIES) -> Iterator[Row]:
    """In turns, on one machine."""
    with history.old_peer(entries) as mesh:
        file = mesh.folder / "copied.db"
        pairs = []
        for _ in range(ROUNDS):
            ours = history.fetch(mesh, entries) * entries
            _snapshot(mesh.peers[0].data_dir / "journal.db", file)
            pairs.append((ours, _copied(file)))
        size = file.stat().st_size
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    yield Row(
        "replication", f"a fresh peer fetches {entries:,} entries", ours, "the SQLite file over a stream", theirs,
        f"≤ {TIMES:g} ×", ROUNDS,
        (
            Figure("ours : copy", ours / theirs, "×", at_most=TIMES),
            Figure("entries", entries / ours, "a second"),
            Figure("the file", size / 1e6, "MB"),
        ),
    )  # fmt: skip


def _snapshot(database: Path, file: Path) -> None:
    """The file as it is when nothing is left in its log."""
    file.unlink(missing_ok=True)
    connection = sqlite3.connect(database)
    connection.execute("VACUUM INTO ?", (str(file),))
    connection.close()


def _copied(file: Path) -> float:
    """Seconds from the opening of a stream to the last byte on the other side's disk."""
    program = [sys.executable, "-m", "benchmarks.copy_peer"]
    server = subprocess.Popen([*program, "serve", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["address"]
        taken = subprocess.run([*program, "take", address, f"{file}.taken"], check=True, capture_output=True, text=True)
        assert Path(f"{file}.taken").read_bytes() == file.read_bytes()
        return float(json.loads(taken.stdout)["seconds"])
    finally:
        server.kill()
        server.communicate()
