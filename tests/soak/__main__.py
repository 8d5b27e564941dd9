"""The big counts: ``python -m tests.soak`` makes every row, ``python -m tests.soak ROW …`` one.

Rows: ``failover``, ``failover --fast``, ``crash``, ``chaos``, ``catch-up``, ``cycles``, ``simulate``. Each goes on where the last run of this version
stopped, and keeps its results beside this file.
"""

from __future__ import annotations

import sys

from tests.soak import catch_up, chaos, crash, cycles, failover, simulation

ROWS = {
    "failover": failover.main,
    "crash": crash.main,
    "chaos": chaos.main,
    "catch-up": catch_up.main,
    "cycles": cycles.main,
    "simulate": simulation.main,
}
ALL = (["failover"], ["failover", "--fast"], ["crash"], ["chaos"], ["catch-up"], ["cycles"], ["simulate"])


def main() -> int:
    """Exit code 1 when a row does not hold; the others are made all the same."""
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
