"""The invariants bite: each planted bug turns one that guards against it red, within a few seeds."""

from __future__ import annotations

import pytest

from chorus_tui.engine.simulation.run import simulate
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

    assert simulate(mutant.options(mutant.first)).violation is None
