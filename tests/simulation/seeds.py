"""Many seeds, over processes: what the test of the simulation and the soak share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Self

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


class Workers:
    """Processes for many runs, made anew after some: the collector is off in a run.

    The library's own way to do that, ``max_tasks_per_child``, may leave it without a process and wait for ever
    in every Python that this runs on (CPython's issue 115634).
    """

    EACH = 50
    """Runs of a process."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._given = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run_all(self, runs: Iterable[Options]) -> list[dict[str, object]]:
        """All runs, in their order."""
        asked = list(runs)
        if self._pool is not None and self._given + len(asked) > self.EACH * self._processes:
            self._pool.shutdown()
            self._pool = None
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._processes, mp_context=multiprocessing.get_context("spawn"))
            self._given = 0
        self._given += len(asked)
        return list(self._pool.map(run, asked))
