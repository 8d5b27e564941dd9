"""For all suites. How long something takes is no property: neither an example of Hypothesis nor a wait turns red on a busy machine."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

from tests.support.patience import PATIENCE
from tests.support.small_model import small_model

__all__ = ["small_model"]

settings.register_profile("suites", deadline=None, print_blob=True)
settings.load_profile("suites")


GARBAGE_THRESHOLDS = (20_000, 20, 20)
"""Of the three generations of Python's collector; its own are (700, 10, 10)."""


def pytest_collection_finish() -> None:
    """Modules and collected tests live to the end: a tenth of the suites' processor time went into looking through them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that names its time names that of a calm machine."""
    for item in items:
        if named := item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(named.args[0] * PATIENCE), append=False)
