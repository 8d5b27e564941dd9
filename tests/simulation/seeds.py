"""Many seeds, over processes: what the test of the simulation and the soak share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from chorus_tui.engine.simulation.command import as_json
from chorus_tui.engine.simulation.faults import FAULTS
from chorus_tui.engine.simulation.plan import Options
from chorus_tui.engine.simulation.run import simulate

SIZES = (3, 5, 4, 5, 7, 3, 5, 6)
"""Peers by seed; every hundredth run has twenty."""


def options(seed: int) -> Options:
    """What a seed of the big counts means."""
    peers = 20 if seed % 100 == 99 else SIZES[seed % len(SIZES)]
    return Options(seed, peers, 2.0, tuple(FAULTS))


def run(seed: int) -> dict[str, object]:
    """One seed, as JSON."""
    return as_json(simulate(options(seed)), timeline=False)


def run_all(seeds: Iterable[int], processes: int) -> Iterator[dict[str, object]]:
    """All seeds, in their order."""
    with ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=50
    ) as pool:
        yield from pool.map(run, seeds)
