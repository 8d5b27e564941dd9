"""The page about performance says what was measured, and nothing else."""

from __future__ import annotations

import json

import pytest

from scripts import performance


def test_the_tables_of_the_page_are_those_of_the_measurements():
    """``docs/performance.md`` holds what ``make docs`` writes."""
    text = performance.PAGE.read_text(encoding="utf-8")

    assert text == performance.page(text), "run: make docs"


def test_what_was_not_met_is_told(tmp_path, monkeypatch):
    """A target that was missed, a round that failed, and a time too short for the clock are told as that."""
    figure = {"name": "exponent", "value": 1.13, "unit": "", "at_most": 1.1, "at_least": None, "met": False}
    row = {"what": "dashes", "ours": 0.028, "beside": "other", "theirs": -0.04, "ratio": -0.7, "figures": [figure]}
    area = {"at": "2026-01-02T03:04:05", "commit": "abc", "machine": "small", "rows": [row]}
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "tests/soak").mkdir(parents=True)
    (tmp_path / "benchmarks/results.json").write_text(json.dumps({"areas": {"shhh": area}}))
    machine = {"at": "2026-01-02T03:04:05", "cores": 2, "load": [9.5, 1, 1]}
    counted = {
        "machines": [machine],
        "summary": {"done": 2},
        "failed": [{"round": 1}],
        "rounds": [{"round": 0, "mb": 7, "term": 3}],
    }
    (tmp_path / "tests/soak/some.json").write_text(json.dumps(counted))
    monkeypatch.setattr(performance, "ROOT", tmp_path)

    assert (
        "| dashes | 28 ms | other | too short to tell |  | exponent 1.13 (≤ 1.1: **not met**) |"
        in performance.comparisons()
    )
    assert "| `some` | 2026-01-02 | 1 | 1 |  | mb 7 | 9.5 on 2 cores |" in performance.counts()


def test_a_page_without_marks_is_an_error():
    """Else nothing would be written, and nobody would know."""
    with pytest.raises(ValueError, match="comparisons"):
        performance.page("# Performance")
