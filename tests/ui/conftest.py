"""Pictures of screens: SVG for the look, text for the diff, in the top-level ``snapshots`` folder."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ui.fake_engine import NOW

ROOT = Path(__file__).parents[2] / "snapshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="write the snapshots instead of comparing them")


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time, zone, colours and cursor as on every machine."""
    for name in ("NO_COLOR", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for screen in ("status", "patch"):
        monkeypatch.setattr(f"chorus_tui.screens.{screen}.time.time", lambda: NOW)
    assert os.environ["TZ"] == "UTC"


def seen(svg: str) -> str:
    """A picture without what nobody sees: its ids, and patches of no width, of which there are more or fewer by how it came about."""
    return re.sub(r'<rect [^>]*width="0"[^>]*/>', "", re.sub(r"terminal-\d+-", "terminal-", svg))


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[Any, str], None]:
    """``picture(app, "tasks/board-80x24")``: compare with, or write, the snapshot of that name."""

    def check(app: Any, name: str) -> None:
        shown = "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips()) + "\n"
        svg = seen(app.export_screenshot(title="chorus-tui", simplify=True))
        text_file, svg_file = ROOT / f"{name}.txt", ROOT / f"{name}.svg"
        if request.config.getoption("--update-snapshots"):
            text_file.parent.mkdir(parents=True, exist_ok=True)
            text_file.write_text(shown)
            svg_file.write_text(svg)
            return
        wanted = text_file.read_text() if text_file.exists() else "(there is no such snapshot)"
        if shown != wanted:
            text_file.with_suffix(".new.txt").write_text(shown)
            svg_file.with_suffix(".new.svg").write_text(svg)
        assert shown == wanted
        assert svg == seen(svg_file.read_text())

    return check
