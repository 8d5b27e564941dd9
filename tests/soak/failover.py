"""``kill -9`` of the admin of five real processes, many times: how long until another one leads a higher term.

``python -m tests.soak failover [--fast] --rounds N``. The moment is drawn: a kill knows nothing of heartbeats.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from tests.integration.system.failing import all_back, fail_over, five_voters
from tests.integration.system.peers import Mesh, mesh
from tests.soak.row import Row, at_share

ROUNDS = {"default": 20, "fast": 100}
HEARTBEAT_S = {"default": 5.0, "fast": 0.4}
LIMIT_S = {"default": 15.0 + 1.5, "fast": 3.0}
"""What no round may exceed: the time-out and a window for the election; of ``fast``, twice what half may take."""
MIDDLE_S = {"default": 15.0 + 1.5, "fast": 1.5}
"""What half of the rounds must be below."""


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round failed or the times are too long."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak failover")
    parser.add_argument("--fast", action="store_true", help="with CHORUS_ELECTION_PROFILE=fast")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    profile = "fast" if asked.fast else "default"
    rounds = asked.rounds or ROUNDS[profile]
    row = Row("failover-fast" if asked.fast else "failover", anew=asked.anew, peers=5, profile=profile)
    if row.done < rounds:
        with tempfile.TemporaryDirectory(prefix="chorus-soak-") as folder, mesh(Path(folder)) as made:
            five_voters(made, CHORUS_ELECTION_PROFILE=profile)
            while row.done < rounds:
                one_round(made, row, profile)
                print(row.line(rounds), flush=True)
    return 0 if not row.failed and at_share(row.times(), 50) < MIDDLE_S[profile] else 1


def one_round(made: Mesh, row: Row, profile: str) -> None:
    """Kill at any moment between two heartbeats; the killed one comes back and all agree before the next."""
    time.sleep(random.Random(row.done).uniform(0.0, HEARTBEAT_S[profile]))
    took, old, new = fail_over(made)
    admin = new.status()["admin"]
    facts = {"seconds": round(took, 3), "old": old.name, "new": new.name, "term": admin["term"]}
    if took > LIMIT_S[profile]:
        row.fail(f"longer than {LIMIT_S[profile]} s", **facts)
    else:
        row.add(**facts)
    all_back(made, old)
