"""A million bad frames from a hostile peer: ``python -m tests.soak flood --frames N --rounds R``.

A round is the suite of floods with that many frames: memory flat, the fast one only slowed down, others served.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from tests.soak.row import Row

FRAMES = 1_000_000
ROUNDS = 1
PER_SECOND = 2000
"""What a busy machine takes in at least."""


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak flood")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("flood", anew=asked.anew, frames=asked.frames)
    while row.done < asked.rounds:
        one_round(row, asked.frames)
        print(row.line(asked.rounds), flush=True)
    return 1 if row.failed else 0


def one_round(row: Row, frames: int) -> None:
    """In a mesh of its own."""
    began, limit = time.monotonic(), frames // PER_SECOND + 120
    command = [sys.executable, "-m", "pytest", "-q", "--timeout", str(limit), "tests/hostile/test_floods.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "CHORUS_FLOOD_FRAMES": str(frames)}
    )
    if done.returncode:
        row.fail(done.stdout[-1500:])
    else:
        row.add(said=done.stdout.strip().splitlines()[-1], seconds=round(time.monotonic() - began, 1))
