"""Many processes that all talk at once: how long an entry is on its way to all others, and whether in the end all hold all.

Beside the engine's journal and node: plain py-libp2p, which has no repair. ``python -m benchmarks crowd=16`` adds so many processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.measure import Figure, Row
from benchmarks.mesh import KEY, line
from tests.soak.row import at_share

SIZES = (5,)
SECONDS = 10.0
SIZE = 1000
LOSSES = (0.0, 0.05)
WARM, MEASURED = 0, 1
PLAIN_S = 5.0
"""How long what is on its way may take without a repair."""
REPAIR_S = 120.0
P99_S = {10: 0.150, 16: 0.600}


def rows(most: int = 0) -> Iterator[Row]:
    """Without loss and with."""
    for peers in sorted({*SIZES, most} - {0}):
        for loss in LOSSES:
            ours, theirs = (_run(kind, peers, loss) for kind in ("ours", "plain"))
            assert ours["held"] == 1.0, ours
            figures = [
                Figure(
                    "ours p99",
                    ours["p99"] * 1000,
                    "ms",
                    at_most=None if loss or peers not in P99_S else P99_S[peers] * 1000,
                ),
                Figure("ours held", 100.0, "%", at_least=100),
                Figure("plain p99", theirs["p99"] * 1000, "ms"),
                Figure("plain held", 100 * theirs["held"], "%"),
            ]
            what = f"{peers} peers, {_rate(peers)} of 1 KB/s, {loss:.0%} lost, one way p50"
            yield Row(
                "crowd", what, ours["p50"], "plain py-libp2p", theirs["p50"], "all held after repair", 1, tuple(figures)
            )


def _rate(peers: int) -> int:
    """Messages a second, of all together."""
    return 10 if peers > 10 else 20


def _run(kind: str, peers: int, loss: float) -> dict[str, float]:
    with ExitStack() as stack:
        crowd: list[subprocess.Popen[str]] = []
        addresses: list[str] = []
        for number in range(peers):
            options = {"key": KEY, "addresses": addresses, "loss": loss, "seed": number}
            crowd.append(stack.enter_context(_process(kind, options)))
            addresses.append(line(crowd[-1])["address"])
        count = round(SECONDS * _rate(peers) / peers)
        for run, said in ((WARM, 3), (MEASURED, count)):
            for one in crowd:
                _order(one, run=run, count=said, every=peers / _rate(peers), size=SIZE)
            wanted = said * (peers - 1)
            heard = _heard(crowd, run, wanted, said * peers / _rate(peers), REPAIR_S if kind == "ours" else PLAIN_S)
        times = [nanoseconds / 1e9 for one in heard for nanoseconds in one]
        return {"p50": at_share(times, 50), "p99": at_share(times, 99), "held": len(times) / (wanted * peers)}


def _heard(
    crowd: list[subprocess.Popen[str]], run: int, wanted: int, seconds: float, patience: float
) -> list[list[int]]:
    """What each has heard, when all have all, or after as long as it may take."""
    until = time.monotonic() + seconds + patience
    while True:
        for one in crowd:
            _order(one, run=run)
        heard = [line(one)["times"] for one in crowd]
        if time.monotonic() > until or all(len(one) >= wanted for one in heard):
            return heard
        time.sleep(0.5)


def _order(process: subprocess.Popen[str], **order: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()


@contextmanager
def _process(kind: str, options: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-m", f"benchmarks.crowd_{kind}", json.dumps(options)]
    running = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()
