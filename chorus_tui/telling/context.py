"""What is remembered, in words: one node, what it builds on, what was built on it. The screen and the command line print the same."""

from __future__ import annotations

import time
from collections.abc import Iterator

from chorus_tui.contract.counting import many
from chorus_tui.contract.models.slurp import ContextHops, ContextRow

SEALED = "sealed; only that it exists is told"


def facts(row: ContextRow) -> list[tuple[str, str]]:
    """(name, value) of one node; values that are not known are empty."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.at))
    return [
        ("node", row.node_id), ("what", _what(row)), ("path", row.path), ("by", f"{row.by_name} at {at}"), ("why", row.purpose),
        ("with", ", ".join(row.technologies)), ("about", ", ".join(row.tags)), ("insights", "; ".join(row.insights)),
        ("sources", ", ".join(row.sources)),
        ("standing", f"{row.standing:.2f} (came with {row.confidence:.2f}), shown to agents {many(row.used, 'time')}"),
        ("staleness", f"{row.staleness:.2f}"), ("influence", f"{row.influence:.2f}"),
    ]  # fmt: skip


def hops(answer: ContextHops) -> Iterator[tuple[str, str]]:
    """(kind of line, text) of everything: the node, then hop by hop what it builds on and what was built on it."""
    named = [(name, value) for name, value in facts(answer.node) if value]
    width = max(len(name) for name, _ in named)
    yield from (("fact", f"{name.ljust(width)}  {value}") for name, value in named)
    yield from _layers("builds on", answer.builds_on)
    yield from _layers("led to", answer.led_to)


def _layers(words: str, layers: list[list[ContextRow]]) -> Iterator[tuple[str, str]]:
    yield "note", ""
    if not layers:
        yield "note", f"{words}: nothing that is remembered"
    for number, layer in enumerate(layers, 1):
        yield "step", f"{words}, {number} {'hop' if number == 1 else 'hops'} away"
        for row in layer:
            yield "node", f"  {row.node_id[:8]} {row.kind} {row.path}: {_what(row)}"


def _what(row: ContextRow) -> str:
    return SEALED if row.header_only else row.summary
