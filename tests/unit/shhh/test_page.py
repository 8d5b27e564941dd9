"""The page for people is true: its tables are those of the code."""

from __future__ import annotations

from pathlib import Path

from chorus_tui.engine.shhh.describe import page

PAGE = Path(__file__).parents[3] / "docs" / "shhh.md"


def test_the_tables_of_the_page_are_those_of_the_code():
    """``docs/shhh.md`` holds what ``make shhh`` writes."""
    text = PAGE.read_text(encoding="utf-8")

    assert text == page(text), "run: make shhh"
