"""Rows of the big counts: they go on where they stopped, and sum up what was measured."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

import chorus_tui
from tests.soak import row as row_module
from tests.soak.row import Row, at_share


def test_a_stopped_row_goes_on(tmp_path):
    """Rounds and failures stand after every round; the next start goes on behind them and adds its machine."""
    first = Row("some", folder=tmp_path, peers=5)
    first.add(seconds=1.0)
    first.fail("too long", seconds=9.0)
    again = Row("some", folder=tmp_path, peers=5)
    again.add(seconds=2.0)
    written = json.loads((tmp_path / "some.json").read_text())

    assert (first.in_a_row, again.in_a_row) == (0, 1)
    assert [made["round"] for made in written["rounds"]] == [0, 2]
    assert [(made["round"], made["why"]) for made in written["failed"]] == [(1, "too long")]
    assert [machine["begins_with_round"] for machine in written["machines"]] == [0, 2]
    assert written["summary"] == {"done": 3, "p50": 1.0, "p99": 2.0, "max": 2.0}
    assert all(machine["cores"] and len(machine["load"]) == 3 for machine in written["machines"])


def test_other_settings_another_version_or_a_wish_begin_anew(tmp_path, monkeypatch):
    """What was measured otherwise is not counted in."""
    Row("some", folder=tmp_path, peers=5).add(seconds=1.0)

    assert Row("some", folder=tmp_path, peers=5).done == 1
    assert Row("some", folder=tmp_path, peers=3).done == 0
    assert Row("some", anew=True, folder=tmp_path, peers=5).done == 0
    monkeypatch.setattr(chorus_tui, "__version__", "9.9")
    assert Row("some", folder=tmp_path, peers=5).done == 0


def test_rounds_of_older_code_are_told_and_kept(tmp_path, monkeypatch, capsys):
    """Each start keeps the commit; what was made with another is said when the row is opened, and is not made again."""
    for commit, rounds in (("aaa", 2), ("bbb", 1), ("bbb", 0), ("ccc", 1)):
        monkeypatch.setattr(row_module, "code_commit", lambda commit=commit: commit)
        opened = Row("some", folder=tmp_path)
        said = capsys.readouterr().out
        for _ in range(rounds):
            opened.add(seconds=1.0)
    written = json.loads((tmp_path / "some.json").read_text())

    assert said == "some: 3 of 3 rounds are of an older commit than the code: aaa, bbb\n"
    assert opened.older("ccc") == "3 of 4 rounds are of an older commit than the code: aaa, bbb"
    assert [machine["commit"] for machine in written["machines"]] == ["aaa", "bbb", "ccc"]


def test_a_row_from_before_commits_were_kept_is_of_an_older_one(tmp_path, monkeypatch, capsys):
    """Nobody knows of which; a row of the same commit says nothing."""
    monkeypatch.setattr(row_module, "code_commit", lambda: "aaa")
    Row("some", folder=tmp_path).add(seconds=1.0)
    assert Row("some", folder=tmp_path).done == 1
    assert not capsys.readouterr().out
    path = tmp_path / "some.json"
    path.write_text(path.read_text().replace('"commit": "aaa"', '"load1": 1'))
    Row("some", folder=tmp_path)

    assert "1 of 1 rounds are of an older commit than the code: one that was not kept" in capsys.readouterr().out


def test_the_commit_is_that_of_the_code():
    """Of the package, whatever else was committed since."""
    commit = row_module.code_commit().rstrip("+")

    assert row_module._git(row_module.PACKAGE, "log", "-1", "--format=%H").startswith(commit)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(0, 100))
def test_a_share_is_not_exceeded_by_as_many(seconds, percent):
    """So many of a hundred are at most the value, which was measured, and any smaller measured one would be too small."""
    value = at_share(seconds, percent)
    smaller = [other for other in seconds if other < value]

    assert value in seconds
    assert sum(other <= value for other in seconds) * 100 >= percent * len(seconds)
    assert not smaller or sum(other <= max(smaller) for other in seconds) * 100 < percent * len(seconds)
