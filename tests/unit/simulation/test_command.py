"""``simulate`` from the command line: what it takes, and what it says."""

from __future__ import annotations

import argparse
import json

import pytest

from chorus_tui.engine.simulation import command
from chorus_tui.engine.simulation.scenarios import SCENARIOS


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


def test_a_scenario_is_named_in_what_it_says(capsys):
    """The situation came about, counted under its name, and the exit code says that all held."""
    words = ("--scenario=voter-with-a-lost-disk", "--peers=4", "--minutes=0.5", "--faults=none", "--json")

    assert command.run(asked(*words)) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["scenario"] == "voter-with-a-lost-disk"
    assert said["counts"]["voter-with-a-lost-disk"] == 1


def test_a_scenario_needs_four_peers(capsys):
    """Too few are refused before anything runs, with the way out."""
    assert command.run(asked("--scenario=admin-asleep", "--peers=3")) == 2
    assert "at least 4" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["--scenario=nap", "--faults=rain", "--peers=21"])
def test_what_there_is_not_is_refused_with_what_there_is(wrong, capsys):
    """The message names what there is."""
    with pytest.raises(SystemExit):
        asked(wrong)
    said = capsys.readouterr().err
    assert any(name in said for name in (*SCENARIOS, "lost-disk", "from 2 to 20"))
