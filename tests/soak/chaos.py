"""Storms over five real processes with default timings, judged by the checker.

``python -m tests.soak chaos --minutes M --seed S`` makes one storm and keeps its history when something was untrue;
``--runs N`` goes on with the seeds after S.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.mesh import chaos
from tests.chaos.storm import storm
from tests.soak.row import Row

RUNS = 6
MINUTES = 5.0
NAMES = ("ada", "ben", "cleo", "dan", "eve")
KEPT = Path("build/chaos")


def main(arguments: list[str]) -> int:
    """Exit code 1 when a storm left something untrue or unfinished."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak chaos")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of faults; the mesh then has time to settle")
    parser.add_argument("--seed", type=int, default=1, help="of the first storm")
    parser.add_argument("--runs", type=int, default=RUNS, help="storms, one seed after the other")
    parser.add_argument("--anew", action="store_true", help="forget what was found before")
    asked = parser.parse_args(arguments)
    row = Row("chaos", anew=asked.anew, minutes=asked.minutes, first_seed=asked.seed, peers=len(NAMES))
    if row.done < asked.runs:
        subprocess.run([sys.executable, "-m", "chorus_tui", "images", "build"], check=True, capture_output=True)
    while row.done < asked.runs:
        one_storm(row, asked.seed + row.done, asked.minutes * 60)
        print(row.line(asked.runs), flush=True)
    return 1 if row.failed else 0


def one_storm(row: Row, seed: int, seconds: float) -> None:
    """A mesh grows, is hurt, and must be well again. ``seconds`` in the result is how long it took from heal to settled."""
    print(f"storm {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="chorus-soak-"))
    why: list[str] = []
    facts: dict[str, float] = {"seed": seed}
    try:
        with chaos(folder, CHORUS_AGENT_MAX_TASKS="1") as mesh:
            mesh.grow(*NAMES)
            began = time.monotonic()
            why = storm(mesh, seed, seconds)
            facts["seconds"] = round(time.monotonic() - began - seconds, 1)
            facts["said"] = len(mesh.record.lines())
    except AssertionError as error:
        why = [str(error)]
    if why:
        kept = KEPT / f"storm-{seed}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("*.sock"))
        row.fail("; ".join(why[:10]), **facts, kept=str(kept))
    else:
        row.add(**facts)
    shutil.rmtree(folder)
