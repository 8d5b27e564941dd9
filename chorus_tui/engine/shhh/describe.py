"""The rule table as ``docs/shhh.md`` shows it. Pure."""

from __future__ import annotations

from chorus_tui.engine.shhh.doors import DOORS
from chorus_tui.engine.shhh.rules import MEANING, RULES

BEGIN, END = "<!-- made by make shhh: begin -->", "<!-- made by make shhh: end -->"


def tables() -> str:
    """Severities, doors and rules, as Markdown."""
    lines = ["| severity | means |", "|---|---|", *(f"| `{name}` | {meaning} |" for name, meaning in MEANING.items())]
    lines += ["", "## Doors", "", "| door | carries | what happens there | where |", "|---|---|---|---|"]
    lines += [f"| {door.name} | {door.carries} | {_HOW[door.how]} | {door.where} |" for door in DOORS]
    lines += ["", "## Rules", "", "| rule | severity | looked for near | made-up examples |", "|---|---|---|---|"]
    seen: set[str] = set()
    for rule in RULES:
        if rule.name not in seen:
            seen.add(rule.name)
            keywords, samples = ", ".join(f"`{one}`" for one in rule.keywords[:4]), _shown(rule.samples[0])
            more = " …" if len(rule.keywords) > 4 else ""
            lines.append(f"| {rule.name} | {rule.severity} | {keywords}{more} | {samples} |")
    return "\n".join(lines)


_HOW = {
    "redacted": "redacted",
    "held": "held for a person",
    "same": "nothing new: it passed another door",
    "ours": "nothing that others wrote",
}


def _shown(shape: str) -> str:
    """A shape in a table's cell."""
    text = shape.replace("\n", "⏎").replace("|", "\\|")
    return f"`{text[:72]}{'…' if len(text) > 72 else ''}`"


def page(text: str) -> str:
    """A page with the tables between its two marks. Raises ValueError when the marks are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks between which the tables stand")
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"
