"""Fuzzing for an hour, shared by all parsers: ``python -m tests.soak fuzz --minutes M``.

A round is one parser for its share of the time, guided by what it reaches. What breaks one is kept in
``tests/hostile/fuzz/regressions``, where every run of the tests tries it again. Parsers that are new since the last run are made up for.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile.fuzz.targets import FOLDER, TARGETS
from tests.soak.row import Row

MINUTES = 60


def main(arguments: list[str]) -> int:
    """Exit code 1 when a parser broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak fuzz")
    parser.add_argument("--minutes", type=int, default=MINUTES)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    names = sorted(TARGETS)
    share = max(5, asked.minutes * 60 // len(names))
    row = Row("fuzz", anew=asked.anew, minutes=asked.minutes)
    row.forget_failed()
    for name in (name for name in names if name not in row.held("target")):
        one_target(row, name, share)
        print(row.line(len(names)), flush=True)
    return 1 if row.failed else 0


def one_target(row: Row, name: str, seconds: int) -> None:
    """In a process of its own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chorus-soak-") as folder:
        command = [sys.executable, "-m", "tests.hostile.fuzz", name, "--seconds", str(seconds), "--keep", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 300)
        broke = [file for file in Path(folder).rglob("*") if file.is_file()]
        for file in broke:
            kept = FOLDER / "regressions" / name / file.name
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(file.read_bytes())
    facts = {
        "target": name,
        "inputs": _figure(done.stderr, "number_of_executed_units"),
        "peak_mb": _figure(done.stderr, "peak_rss_mb"),
    }
    if broke or done.returncode:
        row.fail(done.stderr[-600:], **facts)
    else:
        row.add(**facts, seconds=round(time.monotonic() - began, 1))


def _figure(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", said)
    return int(found[1]) if found else 0
