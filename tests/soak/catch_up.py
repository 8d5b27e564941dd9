"""A fresh peer fetches a long history from a mesh at work: ``python -m tests.soak catch-up --entries N --rounds R``.

A round holds when all came and verifies, every task announced meanwhile is done, no status answer took longer than a second,
and the fresh peer stayed within its memory. ``seconds`` is from its first answer to the last entry.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.integration.system.catching_up import ANSWER_S, MEMORY_MB, catch_up
from tests.soak.row import Row

ENTRIES = 100_000
ROUNDS = 3


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak catch-up")
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    bounds = {"answer_s": ANSWER_S, "memory_mb": MEMORY_MB}
    row = Row("catch-up", anew=asked.anew, peers=3, entries=asked.entries, **bounds)
    if row.done < asked.rounds:
        subprocess.run([sys.executable, "-m", "chorus_tui", "images", "build"], check=True, capture_output=True)
    while row.done < asked.rounds:
        one_round(row, asked.entries)
        print(row.line(asked.rounds), flush=True)
    return 1 if row.failed else 0


def one_round(row: Row, entries: int) -> None:
    """In a mesh of its own."""
    with tempfile.TemporaryDirectory(prefix="chorus-soak-") as folder:
        try:
            done = catch_up(Path(folder), entries)
        except AssertionError as error:
            row.fail(str(error))
            return
    facts = {**asdict(done), "per_second": round(done.per_second)}
    print(f"  {facts}", flush=True)
    if faults := done.faults():
        row.fail("; ".join(faults), **facts)
    else:
        row.add(**facts)
