"""Writes what is made from tables of the code: the pages about metrics, log events and settings, and env.example. ``make docs``."""

from __future__ import annotations

from pathlib import Path

from chorus_tui.engine.runtime.config import page
from chorus_tui.engine.telemetry import catalogue
from scripts import log_events

ROOT = Path(__file__).parent.parent
PAGES = {
    "deploy/env.example": page.example,
    "docs/configuration.md": page.markdown,
    "docs/log-events.md": log_events.markdown,
    "docs/metrics.md": catalogue.markdown,
}

if __name__ == "__main__":
    for name, made in PAGES.items():
        (ROOT / name).write_text(made(), encoding="utf-8")
