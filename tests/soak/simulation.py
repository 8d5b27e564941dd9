"""Many seeds of the simulator: ``python -m tests.soak simulate --seeds A-B`` goes on where it stopped.

Results are in ``simulation.json``: how many seeds ran and held, by which code, what the others broke, and how long it took.
A seed that broke something is run again when the code has changed: ``mended`` says which code broke and which one holds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

import chorus_tui
from tests.simulation.seeds import Workers, options

RESULTS = Path(__file__).parent / "simulation.json"
SEEDS = (0, 9_999)
BLOCK = 50
NOTED = ("seed", "peers", "scenario", "violation")
"""What is kept of a run that failed."""


def main(arguments: list[str]) -> int:
    """Exit code 1 when a seed broke an invariant, in this run or before it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak simulate")
    parser.add_argument("--seeds", type=_range, default=SEEDS, metavar="A-B")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    first, last = asked.seeds
    done, code = _so_far(asked.results, first), code_hash()
    with Workers(asked.processes) as pool:
        _again(done, code, pool)
        while done["next"] <= last:
            seeds = range(done["next"], min(done["next"] + BLOCK, last + 1))
            began = time.monotonic()
            runs = pool.run_all(map(options, seeds))
            _note(done, seeds, runs, code)
            done["real_s"] = round(done["real_s"] + time.monotonic() - began, 1)
            asked.results.write_text(json.dumps(done, indent=1) + "\n")
            print(f"seeds {first} to {seeds.stop - 1}: {len(done['failed'])} failed, {done['real_s']} s", flush=True)
    return 1 if done["failed"] else 0


def _again(done: dict, code: str, pool: Workers) -> None:
    """What failed under other code, under this."""
    asked = [failed for failed in done["failed"] if failed.get("code") != code]
    for failed, run in zip(asked, pool.run_all(options(failed["seed"]) for failed in asked), strict=True):
        if run["ok"]:
            done["failed"].remove(failed)
            done["mended"].append({**failed, "holds_with": code})
        else:
            failed |= {"violation": run["violation"], "code": code}


def _note(done: dict, seeds: range, runs: list[dict], code: str) -> None:
    done["next"] = seeds.stop
    done["failed"] += [{name: run[name] for name in NOTED} | {"code": code} for run in runs if not run["ok"]]
    held = sum(bool(run["ok"]) for run in runs)
    done["blocks"].append({"seeds": [seeds.start, seeds.stop - 1], "code": code, "held": held})
    done["simulated_s"] = round(done["simulated_s"] + sum(run["simulated_s"] for run in runs))


def code_hash() -> str:
    """Names the code that ran: one hash over the package and the meaning of the seeds."""
    whole = hashlib.sha256()
    package, tests = Path(chorus_tui.__file__).parent, Path(__file__).parents[1] / "simulation"
    for path in sorted([*package.rglob("*.py"), tests / "seeds.py"]):
        whole.update(f"{path.relative_to(package.parent)}\0".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def _so_far(results: Path, first: int) -> dict:
    done = json.loads(results.read_text()) if results.exists() else {}
    if done.get("version") != chorus_tui.__version__ or done.get("first") != first:
        done = {
            "version": chorus_tui.__version__, "first": first, "next": first, "failed": [], "blocks": [], "simulated_s": 0, "real_s": 0.0,
        }  # fmt: skip
    return {"mended": [], **done}


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)
