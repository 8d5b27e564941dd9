"""``make bench``: every area that stands, a table on stdout, the figures in ``benchmarks/results.json``."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import chorus_tui
from benchmarks import journal, sandbox, start, tasks

HERE = Path(__file__).parent


def main() -> None:
    """Run all areas in order; a failing one ends the run with its error."""
    rows = []
    print(f"{'area':10} {'what':34} {'ours':>10} {'beside':>10} {'ratio':>7}  beside what; to reach")
    for area in (start, journal, sandbox, tasks):
        for row in area.rows():
            rows.append({**asdict(row), "ratio": row.ratio})
            print(
                f"{row.area:10} {row.what:34} {row.ours * 1000:8.1f}ms {row.theirs * 1000:8.1f}ms {row.ratio:7.2f}"
                f"  {row.beside}; {row.to_reach}"
            )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=HERE
    )
    results = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "version": chorus_tui.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "rows": rows,
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
