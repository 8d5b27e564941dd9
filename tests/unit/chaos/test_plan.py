"""Plans of storms: complete, orderly, and the same for the same seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.plan import ADMIN, KINDS, plan

NAMES = ("ada", "ben", "cleo", "dan", "eve")


@given(st.integers(0, 2**32), st.floats(1, 600))
def test_every_fault_begins_once_and_ends_within_the_storm(seed, seconds):
    """Steps are in order of time, each fault has both its steps, and none outlasts the storm."""
    steps = plan(seed, NAMES, seconds)
    begun, over = [], []
    for step in steps:
        (begun if step.begins else over).append(step.fault)
        assert set(over) <= set(begun)

    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert set(begun) == set(over)
    assert all(0 <= fault.begins <= fault.ends <= seconds for fault in begun)


@given(st.integers(0, 2**32))
def test_half_a_minute_has_every_kind(seed):
    """Each kind comes before any comes twice; whoever is cut off is named on one side only."""
    faults = [step.fault for step in plan(seed, NAMES, 30.0) if step.begins]

    assert {fault.kind for fault in faults[: len(KINDS)]} == set(KINDS)
    assert all(set(fault.one) <= {*NAMES, ADMIN} and not set(fault.one) & set(fault.other) for fault in faults)
    assert plan(seed, NAMES, 30.0) == plan(seed, NAMES, 30.0)
