"""Writes the tables of docs/performance.md from what was measured: benchmarks/results.json and tests/soak/*.json. ``make docs``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
MARKS = "<!-- made by make docs: {} begin -->", "<!-- made by make docs: {} end -->"
_SAID = {"round", "seconds", "term"}
"""Of a round: told elsewhere in the row, or no measure."""


def page(text: str) -> str:
    """``text`` with the tables between its marks. Raises ValueError when marks are not there."""
    for name, table in (("comparisons", comparisons()), ("counts", counts())):
        begin, end = (mark.format(name) for mark in MARKS)
        before, began, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not began or not ended:
            raise ValueError(f"the page has no marks between which the {name} stand")
        text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return text


def comparisons() -> str:
    """A table an area: ours beside somebody else's, in one run."""
    areas = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))["areas"]
    return "\n\n".join(f"### {name}\n\n{_measured(area)}\n\n{_table(area['rows'])}" for name, area in areas.items())


def _measured(area: dict[str, Any]) -> str:
    return f"{area['at'][:10]}, commit `{area['commit']}`, {area['machine']}."


def _table(rows: Iterable[dict[str, Any]]) -> str:
    lines = ["| what | ours | beside | theirs | ours : theirs | targets |", "|---|---:|---|---:|---:|---|"]
    for row in rows:
        clear = row["theirs"] > 0  # what takes less than the clock can tell comes out as nothing, or less
        theirs, ratio = (_ms(row["theirs"]), f"{row['ratio']:.2f}") if clear else ("too short to tell", "")
        lines.append(f"| {row['what']} | {_ms(row['ours'])} | {row['beside']} | {theirs} | {ratio} | {_targets(row)} |")
    return "\n".join(lines)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _targets(row: dict[str, Any]) -> str:
    told = []
    for one in row["figures"]:
        if one["met"] is not None:
            bound = f"≤ {one['at_most']:g}" if one["at_most"] is not None else f"≥ {one['at_least']:g}"
            unit = f" {one['unit']}" if one["unit"] else ""
            told.append(f"{one['name']} {one['value']:.3g}{unit} ({bound}: {'met' if one['met'] else '**not met**'})")
    return "; ".join(told)


def counts() -> str:
    """The big counts: how often, what failed, how long, and what else was measured in each round."""
    lines = [
        "| row | from | rounds that held | failed | p50 / p99 / max | measured in each round | load at the start |",
        "|---|---|---:|---:|---|---|---|",
    ]
    for path in sorted((ROOT / "tests/soak").glob("*.json")):
        held = json.loads(path.read_text(encoding="utf-8"))
        lines.append(_seeds(held) if "blocks" in held else _row(path.stem, held))
    return "\n".join(lines)


def _row(name: str, held: dict[str, Any]) -> str:
    summary, machines = held["summary"], held["machines"]
    times = f"{summary['p50']:g} / {summary['p99']:g} / {summary['max']:g} s" if "p50" in summary else ""
    loads = [machine["load"][0] for machine in machines]
    load = f"{_span(loads)} on {machines[0]['cores']} cores" if machines else ""
    good, failed = len(held["rounds"]), len(held["failed"])
    return f"| `{name}` | {_day(machines)} | {good} | {failed} | {times} | {_others(held['rounds'])} | {load} |"


def _day(machines: list[dict[str, Any]]) -> str:
    return str(min(machine["at"] for machine in machines))[:10] if machines else ""


def _others(rounds: list[dict[str, Any]]) -> str:
    values: dict[str, list[float]] = {}
    for made in rounds:
        for name, value in made.items():
            if name not in _SAID and isinstance(value, int | float) and not isinstance(value, bool):
                values.setdefault(name, []).append(value)
    return ", ".join(f"{name} {_span(found)}" for name, found in values.items())


def _span(values: list[float]) -> str:
    low, high = (f"{one:g}" if isinstance(one, float) else str(one) for one in (min(values), max(values)))
    return low if low == high else f"{low}…{high}"


def _seeds(held: dict[str, Any]) -> str:
    good = sum(block["held"] for block in held["blocks"])
    measured = f"{held['simulated_s'] / 3600:.0f} simulated hours in {held['real_s'] / 3600:.1f} real ones"
    mended = f"{len(held['mended'])} that failed once hold now" if held.get("mended") else ""
    return (
        f"| `simulation` | | {good} seeds | {len(held['failed'])} | | {', '.join(filter(None, (measured, mended)))} | |"
    )


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
