"""Writes docs/age-vectors.md: how the test vectors of the age format fare. ``make age-vectors``."""

from __future__ import annotations

from pathlib import Path

from tests.vectors.age_vectors import markdown

if __name__ == "__main__":
    (Path(__file__).parent.parent / "docs" / "age-vectors.md").write_text(markdown(), encoding="utf-8")
