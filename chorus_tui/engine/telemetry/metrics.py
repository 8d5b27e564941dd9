"""Metrics in Prometheus' format, read at the moment of the scrape from the figures the rooms keep.

The rules it keeps: nothing is shown that is not in the catalogue; a reader that fails costs its own figures, never the
scrape; and no metric grows without bound, whatever its label is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from chorus_tui.engine.telemetry.catalogue import METRICS, base
from chorus_tui.engine.telemetry.histogram import Histogram

log = structlog.get_logger("chorus.telemetry")

MOST_SERIES = 100
"""Of one metric; what is over is summed under the label ``other``."""
OTHER = "other"

Number = float | Histogram
Value = Number | Mapping[str, Number] | Mapping[tuple[str, ...], Number]
"""Without labels a number; with one label, numbers by its value; with several, by their values in the catalogue's order."""
Samples = Mapping[str, Value]
"""By the name in the catalogue."""
Reader = Callable[[], Samples]


def renderer(readers: Sequence[Reader]) -> Callable[[], bytes]:
    """A function that renders the present figures of all ``readers``."""
    registry = CollectorRegistry()
    registry.register(_FromReaders(readers))
    return lambda: generate_latest(registry)


class _FromReaders(Collector):
    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers
        self._told: set[str] = set()

    def collect(self) -> Iterable[Metric]:
        found: dict[str, Value] = {}
        failed = 0
        for reader in self._readers:
            try:
                found.update(self._take(reader))
            except Exception as error:
                failed += 1
                if repr(error) not in self._told and len(self._told) < MOST_SERIES:
                    self._told.add(repr(error))  # once: a scrape comes every few seconds
                    log.exception("⚠️ Some metrics could not be read")
        found["chorus_api_scrape_failures"] = failed
        return [family(METRICS[name], found[name]) for name in METRICS if name in found]

    def _take(self, reader: Reader) -> dict[str, Value]:
        """What one reader gives, checked against the catalogue. Raises whatever is wrong with it."""
        given = dict(reader())
        for name, value in given.items():
            family(METRICS[name], value)
        return given


def family(metric: base.Metric, value: Value) -> Metric:
    """One metric with its values, as the library shows it."""
    made = _empty(metric)
    for labels, number in _bounded(metric, value):
        if isinstance(number, Histogram) and isinstance(made, HistogramMetricFamily):
            bounds = [*(f"{bound:g}" if bound < 1e5 else str(int(bound)) for bound in number.bounds), "+Inf"]
            made.add_metric(list(labels), list(zip(bounds, accumulate(number.counts), strict=True)), number.sum)
        elif not isinstance(number, Histogram) and not isinstance(made, HistogramMetricFamily):
            made.add_metric(list(labels), number)
        else:
            raise TypeError(f"{metric.name} is a {metric.kind} in the catalogue")
    return made


def _empty(metric: base.Metric) -> CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily:
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    if metric.kind == "gauge":
        return GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    return HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)


def _bounded(metric: base.Metric, value: Value) -> list[tuple[tuple[str, ...], Number]]:
    """Label values and number, the same order in each scrape."""
    if not isinstance(value, Mapping):
        return [((), value)]
    rows = sorted(((key if isinstance(key, tuple) else (key,)), number) for key, number in value.items())
    if any(len(labels) != len(metric.labels) for labels, _ in rows):
        raise ValueError(f"{metric.name} has the labels {metric.labels}")
    kept, rest = rows[:MOST_SERIES], rows[MOST_SERIES:]
    plain = [number for _, number in rest if not isinstance(number, Histogram)]
    if plain:
        kept.append(((OTHER,) * len(metric.labels), sum(plain)))
    return kept
