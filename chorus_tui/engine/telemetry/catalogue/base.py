"""What a row of the catalogue of metrics is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``name`` is as Prometheus shows it; a counter's ends with ``_total``.

    ``unit`` is a base unit (seconds, bytes, ratio, cores) or empty for a plain count. ``labels`` have few, known values:
    never an id or an address. ``source`` says what moves it.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    source: str
    labels: tuple[str, ...] = ()


def counter(name: str, meaning: str, source: str, *labels: str, unit: str = "") -> Metric:
    """Counts up from the start of the engine."""
    return Metric(name, "counter", unit, meaning, source, labels)


def gauge(name: str, meaning: str, source: str, *labels: str, unit: str = "") -> Metric:
    """What is so at the moment of the scrape."""
    return Metric(name, "gauge", unit, meaning, source, labels)


def histogram(name: str, meaning: str, source: str, *labels: str, unit: str = "seconds") -> Metric:
    """How often it was how much, since the start of the engine."""
    return Metric(name, "histogram", unit, meaning, source, labels)
