"""Numbers with their word."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import chorus_tui
from chorus_tui.contract.counting import many

ROOT = Path(chorus_tui.__file__).parent
COUNTED = {"peers", "files", "entries", "feeds", "members", "rules", "hits", "edits"}
"""Things of which there may well be one."""


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (2, ("file",), "2 files"),
        (1, ("entry", "entries"), "1 entry"),
        (1000, ("entry", "entries"), "1,000 entries"),
    ],
)
def test_one_is_one(count: int, words: tuple[str, ...], said: str) -> None:
    """Only one has the singular."""
    assert many(count, *words) == said


def bare(tree: ast.AST) -> list[str]:
    """Texts in which a number that is worked out stands before one of the things, whatever the number."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for value, after in zip(node.values, node.values[1:], strict=False):
                word = after.value.lstrip().partition(" ")[0].strip(",.;:") if isinstance(after, ast.Constant) else ""
                if isinstance(value, ast.FormattedValue) and word in COUNTED and str(after.value).startswith(" "):
                    found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("room", ["cli", "telling", "widgets"])
def test_no_text_says_one_files(room: str) -> None:
    """What the command line and both fronts tell counts by the helper: else one thing is told as several."""
    assert {
        str(path.relative_to(ROOT)): found
        for path in (ROOT / room).rglob("*.py")
        if (found := bare(ast.parse(path.read_text())))
    } == {}
