"""The whole suite as CI runs it, again and again: ``python -m tests.soak suite``.

A round is ``.ci/run`` in a fresh clone of the last commit, alone on the machine: lint, and every test once. It holds when all is green
within the minutes that CI may take. It says how many tests there were; the output of a red one stays in ``build/suite.log``. What is
wanted are rounds in a row: a red one ends the run and stays in the row, and what comes later is counted anew.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import time
from pathlib import Path

from tests.soak.row import Row, code_commit

ROUNDS = 10
LONGEST_S = 25 * 60
ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Exit code 0 once so many rounds in a row held, 1 after the first that does not."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak suite")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("suite", anew=asked.anew)
    while row.in_a_row < asked.rounds:
        one_round(row)
        print(f"{row.line(row.done)}; {row.in_a_row} of {asked.rounds} in a row", flush=True)
        if row.in_a_row == 0:
            return 1
    return 0


def one_round(row: Row) -> None:
    """In a clone that goes away, with a virtual environment of its own."""
    with tempfile.TemporaryDirectory(prefix="chorus-suite-") as folder:
        clone, log = Path(folder) / "clone", Path(folder) / "log"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        commit = code_commit(clone / "chorus_tui")
        began = time.monotonic()
        with log.open("wb") as out:
            done = subprocess.run(
                ["bash", ".ci/run"],
                cwd=clone,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
        seconds = round(time.monotonic() - began, 1)
        said = log.read_text(errors="replace")
    tests = passed(said)
    if done.returncode:
        kept = ROOT / "build" / "suite.log"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(said, encoding="utf-8")
        row.fail(why(said), seconds=seconds, tests=tests, commit=commit)
    elif seconds > LONGEST_S:
        row.fail(f"green, but after {seconds / 60:.1f} minutes", seconds=seconds, tests=tests, commit=commit)
    else:
        row.add(seconds=seconds, tests=tests, commit=commit)


def passed(said: str) -> int:
    """How many tests were green, by the lines that end each chunk."""
    return sum(int(count) for count in re.findall(r"(?<![\w.])(\d+) passed", said))


def why(said: str) -> str:
    """The names of what was red, or the end of what was said."""
    red = re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    return ", ".join(red) or said[-1500:]
