"""docs/sandbox.md and the suite say the same: every rule and every attack has a test that is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs" / "sandbox.md"
ROW = re.compile(r"\| ([RA]\d+) ([^|]+) \| ([^|]+) \| ([^|]*) \|")
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
RULES = 20
ATTACKS = 35


def rows() -> list[tuple[str, str]]:
    """(which, its tests as they stand there) of each line of the tables."""
    found = []
    for line in PAGE.read_text().splitlines():
        if line.startswith(("| R", "| A")):
            row = ROW.fullmatch(line)
            assert row is not None, f"no row of four parts: {line}"
            found.append((row.group(1), row.group(4)))
    return found


@cache
def functions_of(path: str) -> frozenset[str]:
    """Names of the test functions of a file."""
    tree = ast.parse((TESTS / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("which", "tests"), rows(), ids=[which for which, _ in rows()])
def test_each_line_names_tests_that_are_there(which, tests):
    """At least one, written in full, and nothing beside them."""
    named = NAMED.findall(tests)

    assert named, which
    assert NAMED.sub("", tests).strip(", ") == "", which
    for path, name in named:
        assert name in functions_of(path), f"{which}: {path} has no {name}"


def test_every_rule_and_attack_has_its_line():
    """None is missing, none stands twice."""
    expected = [f"R{number}" for number in range(1, RULES + 1)] + [f"A{number}" for number in range(1, ATTACKS + 1)]

    assert [which for which, _ in rows()] == expected
