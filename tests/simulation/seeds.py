"""Many seeds, over processes: what the test of the simulation and the soak share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from chorus_tui.engine.simulation.command import as_json
from chorus_tui.engine.simulation.faults import FAULTS
from chorus_tui.engine.simulation.plan import Options
from chorus_tui.engine.simulation.run import simulate
from chorus_tui.engine.simulation.scenarios import FEWEST, SCENARIOS

SIZES = (3, 5, 4, 5, 7, 3, 5, 6)
"""Peers by seed; every hundredth run has twenty."""


NAMED = 13
"""Of so many seeds in a row five are each of another scenario; coprime to all other periods."""


def options(seed: int) -> Options:
    """What a seed of the big counts means."""
    names = list(SCENARIOS)
    if seed % NAMED < len(names):
        return named(names[seed % NAMED], seed)
    peers = 20 if seed % 100 == 99 else SIZES[seed % len(SIZES)]
    return Options(seed, peers, 2.0, tuple(FAULTS))


def named(scenario: str, seed: int) -> Options:
    """A seed of a scenario."""
    return Options(seed, max(FEWEST, SIZES[seed % len(SIZES)]), 2.0, tuple(FAULTS), scenario)


def run(asked: Options) -> dict[str, object]:
    """One run, as JSON."""
    return as_json(simulate(asked), timeline=False)


def workers(processes: int) -> ProcessPoolExecutor:
    """Processes for many runs; each begins anew after fifty, as the collector is off in a run."""
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=50)


def run_all(runs: Iterable[Options], pool: ProcessPoolExecutor) -> list[dict[str, object]]:
    """All runs, in their order."""
    return list(pool.map(run, runs))
