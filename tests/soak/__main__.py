"""The big counts: ``python -m tests.soak`` makes every row, ``python -m tests.soak ROW …`` one, ``--help`` names them.

Each goes on where the last run of this version stopped, and keeps its results beside this file.
"""

from __future__ import annotations

import sys

from tests.soak import (
    alerts,
    api,
    catch_up,
    chaos,
    containers,
    crash,
    cycles,
    failover,
    flood,
    fuzz,
    portal,
    secrets,
    simulation,
    ssh,
    suite,
    trial,
)

ROWS = {
    "alerts": alerts.main,
    "api": api.main,
    "failover": failover.main,
    "crash": crash.main,
    "chaos": chaos.main,
    "catch-up": catch_up.main,
    "containers": containers.main,
    "cycles": cycles.main,
    "simulate": simulation.main,
    "fuzz": fuzz.main,
    "flood": flood.main,
    "portal": portal.main,
    "secrets": secrets.main,
    "ssh": ssh.main,
    "suite": suite.main,
    "trial": trial.main,
}
ALL = (["failover", "--fast"], *([row] for row in ROWS))


def rows() -> str:
    """Each row with what it does, from the first line of its module."""
    said = {
        name: (sys.modules[made.__module__].__doc__ or "").splitlines()[0].partition(": ``")[0]
        for name, made in ROWS.items()
    }
    return "".join(f"{name:<10} {words}\n" for name, words in said.items())


def main() -> int:
    """Exit code 1 when a row does not hold; the others are made all the same."""
    if sys.argv[1:2] in (["--help"], ["-h"]):
        sys.stdout.write(
            f"usage: python -m tests.soak [ROW …]; a row's own options: python -m tests.soak ROW --help\n\n{rows()}"
        )
        return 0
    asked = [sys.argv[1:]] if sys.argv[1:] else ALL
    red = []
    for name, *arguments in asked:
        if name not in ROWS:
            sys.stderr.write(f"no such row: {name}; there are {', '.join(ROWS)}\n")
            return 2
        print(f"━━ {' '.join([name, *arguments])}", flush=True)
        if ROWS[name](arguments):
            red.append(" ".join([name, *arguments]))
    print(f"RED: {', '.join(red)}" if red else "all rows hold", flush=True)
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
