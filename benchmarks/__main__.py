"""``make bench``: a table on stdout, the figures in ``benchmarks/results.json``. ``python -m benchmarks shhh`` runs one area.

``python -m benchmarks replication=100000 rest=1200`` gives an area another size than the one that keeps it short: entries, seconds, as
its module says. The figures of an area stand with the time, the commit and the machine of its own last run; those of the others stay
as they are.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path

import chorus_tui
from benchmarks import (
    context,
    crowd,
    election,
    journal,
    mesh,
    replication,
    rest,
    sandbox,
    scale,
    shhh,
    simulation,
    ssh,
    start,
    tasks,
    tui,
    vault,
)
from benchmarks.measure import Row

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
AREAS = {
    "start": start,
    "mesh": mesh,
    "crowd": crowd,
    "replication": replication,
    "election": election,
    "rest": rest,
    "journal": journal,
    "context": context,
    "shhh": shhh,
    "sandbox": sandbox,
    "tasks": tasks,
    "ssh": ssh,
    "tui": tui,
    "vault": vault,
    "simulation": simulation,
    "scale": scale,
}


def main(names: list[str]) -> None:
    """Run these areas, or all, in order; a failing one ends the run with its error."""
    sizes = {name: size for name, _, size in (asked.partition("=") for asked in names)}
    unknown = sorted(set(sizes) - set(AREAS))
    if unknown:
        sys.exit(f"No area {', '.join(unknown)}; there are {', '.join(AREAS)}.")
    fixed = sorted(name for name, size in sizes.items() if size and not signature(AREAS[name].rows).parameters)
    if fixed:
        sys.exit(f"{', '.join(fixed)} has one size: name it without a number.")
    print(f"{'area':10} {'what':40} {'ours':>10} {'beside':>10} {'ratio':>7}  beside what; to reach")
    for name, area in AREAS.items():
        if names and name not in sizes:
            continue
        rows = []
        for row in area.rows(*([int(sizes[name])] if sizes.get(name) else [])):
            rows.append(row)
            shown(row)
        keep(name, rows)


def shown(row: Row) -> None:
    """One row of the table, and its figures below."""
    print(
        f"{row.area:10} {row.what:40} {row.ours * 1000:8.1f}ms {row.theirs * 1000:8.1f}ms {row.ratio:7.2f}"
        f"  {row.beside}; {row.to_reach}"
    )
    for one in row.figures:
        print(f"{'':11}{one.told()}", flush=True)


def keep(name: str, rows: list[Row]) -> None:
    """Put an area's figures in the place of its last ones."""
    areas = json.loads(RESULTS.read_text())["areas"] if RESULTS.exists() else {}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=HERE
    )
    areas[name] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "version": chorus_tui.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "rows": [row.stored() for row in rows],
    }
    RESULTS.write_text(json.dumps({"areas": areas}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
