"""Hypothesis in all suites: how long an example takes is no property, so a busy machine turns nothing red."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("suites", deadline=None, print_blob=True)
settings.load_profile("suites")
