"""For all suites. How long something takes is no property: neither an example of Hypothesis nor a wait turns red on a busy machine."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.support.patience import PATIENCE
from tests.support.small_model import small_model

__all__ = ["small_model"]

settings.register_profile("suites", deadline=None, print_blob=True)
settings.load_profile("suites")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that names its time names that of a calm machine."""
    for item in items:
        if named := item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(named.args[0] * PATIENCE), append=False)
