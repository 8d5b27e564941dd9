"""The compose file in the life of a mesh: ``python -m tests.soak trial``.

A round is ``tests/deploy/trial.py``: the image built from Debian packages, three agents that mesh, work, lose their admin, are replaced
one by one with and without their volumes, and stop clean. It needs a Docker Engine whose networks resolve names, which the private
one of ``make test`` does not, and some minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from tests.soak.row import Row

ROUNDS = 1


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak trial")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("trial", anew=asked.anew)
    while row.done < asked.rounds:
        one_round(row)
        print(row.line(asked.rounds), flush=True)
    return 1 if row.failed else 0


def one_round(row: Row) -> None:
    """In containers and an image of its own."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "tests/deploy/trial.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        row.fail(done.stdout[-1500:])
    else:
        row.add(said=done.stdout.strip().splitlines()[-1], seconds=round(time.monotonic() - began, 1))
