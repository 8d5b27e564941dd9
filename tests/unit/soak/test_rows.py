"""The rows of the big counts, as CONTRIBUTING tells of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.soak import suite
from tests.soak.__main__ import ROWS, main, rows

CONTRIBUTING = Path(__file__).parents[3] / "CONTRIBUTING.md"


def told() -> list[list[str]]:
    """The commands in the first column of its table."""
    table = CONTRIBUTING.read_text().partition("## The big counts")[2].partition("\n## ")[0]
    return [row.split() for row in re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)]


def test_the_table_has_every_row():
    """And no other one; the help names the same."""
    assert {name for name, *_ in told()} == set(ROWS)
    assert [line.split()[0] for line in rows().splitlines()] == list(ROWS)


@pytest.mark.parametrize("command", told(), ids=" ".join)
def test_the_options_of_the_table_exist(command, capsys, monkeypatch):
    """Each stands in the help of its row."""
    name, *options = command
    with pytest.raises(SystemExit):
        ROWS[name](["--help"])
    said = capsys.readouterr().out

    assert all(option in said for option in options if option.startswith("--"))


def test_help_makes_no_row(capsys, monkeypatch):
    """It says how to ask for one."""
    monkeypatch.setattr("sys.argv", ["soak", "--help"])

    assert main() == 0
    assert "python -m tests.soak ROW --help" in capsys.readouterr().out


def test_a_round_of_the_suite_is_read_from_what_it_printed():
    """Every green chunk counts, a red one is told by its tests, one that broke otherwise by its last words."""
    said = "✓ ui 1/2: 215 passed in 9.1s\n✓ mesh: 29 passed, 1 warning in 6s\nFAILED tests/a.py::test_b[1-x] - AssertionError\n2 failed, 316 passed\n"

    assert suite.passed(said) == 215 + 29 + 316
    assert suite.why(said) == "tests/a.py::test_b[1-x]"
    assert suite.why("make: *** no rule") == "make: *** no rule"
