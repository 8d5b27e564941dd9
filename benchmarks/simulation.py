"""How much faster than life meshes are simulated: the whole engine at five peers under every fault, and the core of Raft alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

from benchmarks.measure import Figure, Row, timed
from benchmarks.raft_alone import Cores
from chorus_tui.engine.simulation.faults import FAULTS
from chorus_tui.engine.simulation.plan import Options
from chorus_tui.engine.simulation.run import simulate

ROUNDS = 5
PEERS = 5
CORE_S = 3600.0
WHOLE, CORE = 300.0, 10_000.0


def rows() -> Iterator[Row]:
    """Beside both stands the time that passes in the simulation: real time would be a ratio of one."""
    reports = [simulate(Options(seed, PEERS, 2.0, tuple(FAULTS))) for seed in range(ROUNDS + 1)][1:]
    assert all(report.ok for report in reports)
    yield _row("the whole engine, 5 peers", [(one.real_s, one.simulated_s) for one in reports], WHOLE)
    core = [(timed(partial(Cores(seed).run, CORE_S)), CORE_S) for seed in range(ROUNDS)]
    yield _row("the core of Raft, 5 voters, default times", core, CORE)


def _row(what: str, runs: list[tuple[float, float]], wanted: float) -> Row:
    real, simulated = (statistics.median(times) for times in zip(*runs, strict=True))
    speed = statistics.median(there / here for here, there in runs)
    figure = Figure("speed", speed, "× real time", at_least=wanted)
    return Row("simulation", what, real, "real time", simulated, f"≥ {wanted:,.0f} ×", len(runs), (figure,))
