"""What will go wrong when, and what there is to do: pure, from the seed alone.

A run has three parts: the peers meet; faults and load; then everything is mended and must come to rest.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

MEET_S = 60.0
"""Within this all peers must be one mesh. Faults begin when they are."""
REST_S = 240.0
"""Within this after the faults everything must have come to rest: longer than any lease and any time-out together."""
FAULT_EVERY_S = (1.0, 9.0)
TASK_EVERY_S = (3.0, 12.0)
VOTE_EVERY_S = (6.0, 24.0)


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is made from."""

    seed: int
    peers: int = 5
    minutes: float = 2.0
    faults: tuple[str, ...] = ()
    scenario: str = ""
    """A situation that surely happens, by its name in :mod:`~chorus_tui.engine.simulation.scenarios`; or none."""

    @property
    def calm(self) -> bool:
        """Whether nothing goes wrong in the whole run."""
        return not self.faults and not self.scenario

    @property
    def fast(self) -> bool:
        """Every fourth run has the election profile ``fast``."""
        return self.seed % 4 == 1


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do at ``at`` seconds after the peers have met. ``number`` makes its chance its own."""

    at: float
    what: str
    number: int


def plan(options: Options) -> list[Step]:
    """Faults and load of a run, in order of time. Faults last until the end of the run at most."""
    seconds = options.minutes * 60
    steps = [Step(at, "task", n) for n, at in enumerate(_times(options, "tasks", TASK_EVERY_S, seconds * 0.8))]
    steps += [Step(at, "vote", n) for n, at in enumerate(_times(options, "votes", VOTE_EVERY_S, seconds * 0.7))]
    if options.faults:
        chance = random.Random(f"faults {options.seed}")  # noqa: S311 - for simulations only
        for number, at in enumerate(_times(options, "times", FAULT_EVERY_S, seconds * 0.85)):
            steps.append(Step(at, chance.choice(options.faults), number))
    return sorted(steps, key=lambda step: (step.at, step.what, step.number))


def _times(options: Options, what: str, every: tuple[float, float], until: float) -> Iterable[float]:
    chance = random.Random(f"{what} {options.seed}")  # noqa: S311 - for simulations only
    at = chance.uniform(*every)
    while at < until:
        yield at
        at += chance.uniform(*every)
