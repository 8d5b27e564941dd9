"""From ``kill -9``, or SIGSTOP, of the admin until another one leads, among five real processes, with both profiles.

Beside it the time-out that a profile waits before anybody stands. ``python -m benchmarks election=20`` makes so many rounds of each.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Figure, Row
from chorus_tui.engine.control.parameters import DEFAULTS, FAST
from tests.integration.system.failing import all_agree, all_back, fail_over, five_voters
from tests.integration.system.peers import Mesh, Peer, mesh
from tests.soak.row import at_share

ROUNDS = 2
WINDOW_S = 1.5
"""What an election may take after the time-out."""
TARGETS = {
    "default": (None, DEFAULTS["admin_timeout_s"] + WINDOW_S),
    "fast": (1.5, 3.0),
}
"""p50 and p99 in seconds at most."""


def rows(rounds: int = ROUNDS) -> Iterator[Row]:
    """A mesh for each profile."""
    for profile, parameters in (("default", DEFAULTS), ("fast", DEFAULTS | FAST)):
        with tempfile.TemporaryDirectory(prefix="chorus-bench-") as folder, mesh(Path(folder)) as made:
            five_voters(made, CHORUS_ELECTION_PROFILE=profile)
            for what, one in (("kill -9", _killed), ("SIGSTOP", _stopped)):
                times = []
                for number in range(rounds):
                    # At any moment between two heartbeats: a fault knows nothing of them.
                    time.sleep(random.Random(f"{what} {number}").uniform(0.0, parameters["heartbeat_s"]))
                    times.append(one(made))
                yield _row(profile, what, times, parameters["admin_timeout_s"])


def _killed(made: Mesh) -> float:
    took, old, _ = fail_over(made)
    all_back(made, old)
    return took


def _stopped(made: Mesh) -> float:
    took, old, _ = fail_over(made, _stop)
    old.signal(signal.SIGCONT)
    all_agree(made)
    return took


def _stop(peer: Peer) -> None:
    peer.signal(signal.SIGSTOP)


def _row(profile: str, what: str, times: list[float], timeout: float) -> Row:
    middle, most = TARGETS[profile]
    p50, p99 = at_share(times, 50), at_share(times, 99)
    figures = Figure("p50", p50, "s", at_most=middle), Figure("p99", p99, "s", at_most=most)
    reach = f"p99 ≤ {most:g} s" if middle is None else f"p50 ≤ {middle:g} s, p99 ≤ {most:g} s"
    return Row("election", f"{what} of the admin, {profile}", p50, "the time-out", timeout, reach, len(times), figures)
