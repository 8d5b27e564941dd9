"""A portal under a flood: ``python -m tests.soak portal --minutes M``.

A round is one portal in a real terminal with a journal of 100,000 entries, while a thousand events a second are drawn in it. It holds when
memory is flat after the first half minute, the flood is drawn to its end, and a key is answered then.
"""

from __future__ import annotations

import argparse

from tests.soak.row import Row
from tests.support.flooded_portal import MOST_GROWTH_MB, RATE, memory_over

MINUTES = 30


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak portal")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("portal", anew=asked.anew, minutes=asked.minutes, events_per_s=RATE, most_growth_mb=MOST_GROWTH_MB)
    if not row.done:
        samples = memory_over(asked.minutes)
        facts = {"begin_mb": samples[0], "peak_mb": max(samples), "end_mb": samples[-1]}
        told = {name: round(megabytes, 1) for name, megabytes in facts.items()}
        if max(samples) - samples[0] < MOST_GROWTH_MB:
            row.add(**told)
        else:
            row.fail("memory grew", **told)
    print(row.line(1), flush=True)
    return 1 if row.failed else 0
