"""Writes the tables of docs/shhh.md from the rules and the doors. ``make shhh``."""

from __future__ import annotations

from pathlib import Path

from chorus_tui.engine.shhh.describe import page

if __name__ == "__main__":
    PAGE = Path(__file__).parent.parent / "docs" / "shhh.md"
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
