"""Rates in words and as a sparkline: one glance tells how it has been, one number how it is."""

from __future__ import annotations

from collections.abc import Sequence

from chorus_tui.contract.models.status import Rate

BARS = "▁▂▃▄▅▆▇█"
NAMES = {"heard": "messages in", "said": "messages out", "entries": "entries kept"}
LABELS = {"heard": "msgs in", "said": "msgs out", "entries": "entries"}
"""As short as a column of labels."""


def name(found: Rate) -> str:
    """In a line of text; one of a newer engine by its own name."""
    return NAMES.get(found.name, found.name)


def label(found: Rate) -> str:
    """In a column."""
    return LABELS.get(found.name, found.name)


def sparkline(values: Sequence[float]) -> str:
    """A bar a value, the tallest for the largest; the lowest bar is for nothing and for next to nothing."""
    top = max(values, default=0.0)
    return "".join(BARS[min(len(BARS) - 1, int(value / top * len(BARS)))] if top else BARS[0] for value in values)


def rate(found: Rate) -> str:
    """The last span's: ``3.2/s``."""
    return f"{found.per_second[-1]:.3g}/s" if found.per_second else ""


def line(found: Rate) -> str:
    """``▁▂▅█ 3.2/s``."""
    return f"{sparkline(found.per_second)} {rate(found)}"
