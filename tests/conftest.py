"""For all suites. Hypothesis: how long an example takes is no property, so a busy machine turns nothing red."""

from __future__ import annotations

from hypothesis import settings

from tests.support.small_model import small_model

__all__ = ["small_model"]

settings.register_profile("suites", deadline=None, print_blob=True)
settings.load_profile("suites")
