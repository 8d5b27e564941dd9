"""Writes docs/messages.md from the table of message types. ``make messages``."""

from __future__ import annotations

from pathlib import Path

from chorus_tui.engine.protocol.messages.describe import markdown

if __name__ == "__main__":
    (Path(__file__).parent.parent / "docs" / "messages.md").write_text(markdown(), encoding="utf-8")
