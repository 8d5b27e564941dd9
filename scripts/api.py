"""Writes docs/api.md from the contract's list of operations."""

from __future__ import annotations

from pathlib import Path

from chorus_tui.contract.operations import OPERATIONS
from chorus_tui.engine.api.openapi.document import describe
from chorus_tui.engine.api.openapi.markdown import markdown

if __name__ == "__main__":
    (Path(__file__).parent.parent / "docs" / "api.md").write_text(markdown(describe(OPERATIONS)), encoding="utf-8")
