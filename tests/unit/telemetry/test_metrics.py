"""The table of metrics and what is rendered from it: names, bounds, and readers that fail."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.telemetry import catalogue
from chorus_tui.engine.telemetry.histogram import LATENCY_S, SIZE_BYTES, Histogram
from chorus_tui.engine.telemetry.metrics import MOST_SERIES, renderer

ROOT = Path(__file__).parents[3]


def test_the_catalogue_keeps_the_names_that_prometheus_wants():
    """80 metrics or more in 12 categories: our prefix, base units, ``_total`` on counters alone, no id as a label."""
    metrics = catalogue.METRICS.values()

    assert len(metrics) >= 80
    assert len(catalogue.CATEGORIES) == 12
    assert sum(map(len, catalogue.CATEGORIES.values())) == len(metrics), "a name stands twice"
    for metric in metrics:
        assert re.fullmatch(r"chorus(_[a-z0-9]+)+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.unit in ("", "seconds", "bytes", "ratio", "cores")
        if metric.unit in ("seconds", "bytes", "ratio"):
            assert metric.unit in metric.name
        assert not {"peer", "peer_id", "task", "task_id", "address", "node"} & set(metric.labels)
        assert metric.meaning[0].isupper() or metric.meaning[0].isdigit()


def test_the_sixteen_names_of_the_original_are_there():
    """Each under its own name."""
    assert len(set(catalogue.ORIGINAL)) == 16
    assert set(catalogue.ORIGINAL) <= catalogue.METRICS.keys()


def test_the_buckets_are_those_of_the_original():
    """1 ms to 10 s; 64 B to 16 MiB by four."""
    assert LATENCY_S == (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
    assert (SIZE_BYTES[0], SIZE_BYTES[-1], len(SIZE_BYTES)) == (64, 16 * 2**20, 10)


def test_the_page_is_made_from_the_table():
    """``make docs`` was run after the last change."""
    assert (ROOT / "docs/metrics.md").read_text() == catalogue.markdown()


def everything() -> dict:
    """One value of each metric, hostile label values among them."""
    found = {}
    for metric in catalogue.METRICS.values():
        number = 1.5
        if metric.kind == "histogram":
            number = Histogram(SIZE_BYTES if metric.unit == "bytes" else LATENCY_S)
            number.observe(0.2)
        labels = ['a"\n\\b', "c"]
        found[metric.name] = (
            number if not metric.labels else {(value,) * len(metric.labels): number for value in labels}
        )
    return found


def test_promtool_finds_nothing_wrong_with_any_of_them():
    """``promtool check metrics`` on all of them at once: neither an error nor a remark."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=renderer([everything])(), capture_output=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@given(st.lists(st.floats(0, 20, allow_nan=False), max_size=50))
def test_a_histogram_counts_everything_once_in_the_right_place(values):
    """Cumulated, each bucket holds what is at or below its bound; nothing is lost above the last."""
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    for bound, upto in zip(LATENCY_S, (sum(histogram.counts[: n + 1]) for n in range(len(LATENCY_S))), strict=True):
        assert upto == sum(value <= bound for value in values)

    assert histogram.count == len(values)
    assert histogram.sum == pytest.approx(sum(values))


def test_a_metric_has_a_bounded_number_of_series_whatever_it_is_given():
    """What is over is summed, so that the total stays right."""
    read = {"chorus_pubsub_messages_refused_total": {f"reason {number:05}": 2 for number in range(1000)}}
    text = renderer([lambda: read])().decode()
    rows = re.findall(r'^chorus_pubsub_messages_refused_total\{reason="(.*)"\} (\S+)$', text, re.MULTILINE)

    assert len(rows) == MOST_SERIES + 1
    assert sum(float(value) for _, value in rows) == 2000
    assert rows[-1][0] == "other"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: 1 / 0,
        lambda: {"chorus_not_in_the_table": 1},
        lambda: {"chorus_tasks_active": Histogram()},
        lambda: {"chorus_build_info": {"one label too few": 1}},
    ],
)
def test_a_reader_that_fails_costs_its_own_figures_only(wrong):
    """The others are shown, and that one failed is counted."""
    text = renderer([wrong, lambda: {"chorus_election_term": 7}])().decode()

    assert "chorus_election_term 7.0" in text
    assert "chorus_api_scrape_failures 1.0" in text
