"""The invariants bite: each planted bug turns one that guards against it red, within a few seeds."""

from __future__ import annotations

from functools import cache

import pytest

from chorus_tui.engine.simulation.plan import Options
from chorus_tui.engine.simulation.run import simulate
from chorus_tui.engine.simulation.world import Violation
from tests.simulation.mutants import MUTANTS

SEEDS = 20


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name):
    """Some of the first seeds breaks one of the invariants named beside the bug."""
    mutant, seen = MUTANTS[name], []
    with mutant.plant():
        for seed in mutant.seeds(SEEDS):
            violation = simulate(mutant.options(seed)).violation
            seen.append(violation.name if violation else "")
            if seen[-1] in mutant.red:
                return

    pytest.fail(f"not found: {seen}")


@pytest.mark.parametrize("name", MUTANTS)
def test_without_the_bug_the_same_run_is_green(name):
    """It is the bug that turns it red, not the faults it is run under."""
    mutant = MUTANTS[name]

    assert without_bug(mutant.options(mutant.first)) is None


@cache
def without_bug(asked: Options) -> Violation | None:
    """Once for all bugs that are looked for in the same run."""
    return simulate(asked).violation
