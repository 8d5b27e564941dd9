"""Versions of container runtimes below the fixed line are told; what cannot be told is not invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.known_weaknesses import KNOWN, findings, is_fixed, parsed


def said_of(runc: str) -> str:
    """What is said of an engine with this runc."""
    return " ".join(
        findings({"Components": [{"Name": "Engine", "Version": "28.0"}, {"Name": "runc", "Version": runc}]})
    )


@pytest.mark.parametrize(
    ("runc", "old", "late"),
    [
        ("1.1.5+ds1", True, True),
        ("1.1.11", True, True),
        ("1.1.12", False, True),
        ("v1.1.15-0-gbc20cb44", False, True),
        ("1.2.7", False, True),
        ("1.2.8", False, False),
        ("1.3.2", False, True),
        ("1.3.3", False, False),
        ("1.4.0-rc.2", False, True),
        ("1.4.0-rc.3", False, False),
        ("1.4.0", False, False),
        ("1.5.1", False, False),
        ("unknown", False, False),
        ("", False, False),
    ],
)
def test_versions_below_the_fixed_line_are_told(runc, old, late):
    """Each line of releases has its own first good version; what is later than all is good."""
    assert ("CVE-2024-21626" in said_of(runc)) is old
    assert ("CVE-2025-31133" in said_of(runc)) is late


def test_a_finding_names_version_fix_and_the_distribution():
    """A person reads what is there, what would be good, and that a number does not tell what a distribution mended."""
    said = said_of("1.1.5+ds1")

    assert "runc 1.1.5+ds1" in said
    assert "1.1.12" in said
    assert "distribution" in said


def test_an_engine_that_names_no_parts_gives_no_finding():
    """Nothing is said about what is not known."""
    assert findings({}) == ()
    assert findings({"Components": None}) == ()


@given(st.tuples(*[st.integers(0, 99)] * 3))
def test_later_in_one_line_is_never_worse(version):
    """What is fixed stays fixed in the next patch release."""
    number, following = parsed("{}.{}.{}".format(*version)), parsed(f"{version[0]}.{version[1]}.{version[2] + 1}")
    assert number is not None
    assert following is not None
    for weakness in KNOWN:
        assert is_fixed(following, weakness.fixed) or not is_fixed(number, weakness.fixed)
