"""Finds every line that the engine can log, by reading its source, and makes docs/log-events.md of them.

A line's event is a constant text, so that it can be searched for, counted and rate-limited; what differs from line to line
stands in fields, whose names are in one table. ``problems`` says where that does not hold.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ENGINE = Path(__file__).parent.parent / "chorus_tui" / "engine"
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
LOGGERS = ("log", "_log")
TOLD = "Told people"
"""The one event whose text differs: a line of the event log that people read, logged as well."""

FIELDS = {
    "act": "type of an entry that the admin meant to write",
    "address": "multiaddr or address of context",
    "addresses": "own multiaddrs",
    "after_a_restart": "variables whose new values need a restart",
    "agent": "name of an agent",
    "agents": "agents by state",
    "api_port": "port of the API",
    "asked": "kind of question",
    "assignment": "what was assigned",
    "attempt": "attempt of a task, from 1",
    "author": "peer id of who said it",
    "by": "peer id of whoever did it",
    "can_help": "whether this peer can",
    "cause": "what made it so",
    "changed": "variables whose new values are in force",
    "checks": "number of checks",
    "confirmed": "peers that confirmed",
    "cpu_cores": "cores used",
    "data": "data folder",
    "decision": "id of a proposal",
    "detail": "more, in words",
    "digest": "digest of a blob",
    "disk_bytes": "disk used",
    "drain_s": "seconds that running tasks may go on",
    "entry": "author, epoch and number of a feed entry",
    "error": "what went wrong, in words",
    "error_id": "number under which a caller was told of the error",
    "exc_info": "where in the program it happened",
    "file": "path of a file of this engine",
    "files": "number of files",
    "goes_on_as": "task id under which it goes on",
    "held_by": "number of peers that hold it",
    "host": "host that was asked",
    "in_reach": "peers in reach",
    "index": "place in the control log",
    "key": "key of the DHT",
    "keyring": "role keys of one kind",
    "keys": "names without effect",
    "kind": "agent or human",
    "kinds": "kinds of items",
    "left_out": "lines of this event left out before",
    "memory_bytes": "memory used",
    "mesh_id": "mesh",
    "model": "name of a model",
    "name": "name of a container",
    "number": "how many",
    "operations": "operations by phase",
    "outcome": "outcome of an attempt",
    "over": "operations over their budget",
    "patch": "id of a patch",
    "path": "path of a file",
    "peer": "peer id of whom it is about",
    "phase": "phase of an attempt",
    "private": "whether a network key holds",
    "protocol": "id of a stream protocol",
    "provider": "provider of models",
    "reason": "why, in words",
    "ref": "branch or tag",
    "role": "role",
    "room": "room",
    "rule": "rule by which tasks belong together",
    "running": "tasks running",
    "said": "what was said",
    "service": "supervised service",
    "session": "session of a shared text",
    "setting": "a setting that needs a look",
    "size_bytes": "size",
    "state": "how it stands, in words",
    "task_id": "task",
    "tasks": "ids of tasks",
    "term": "term of an election",
    "text": "what people were told",
    "thread": "thread of a room",
    "title": "title of a task",
    "took_s": "seconds it took",
    "topic": "gossip topic",
    "tries": "tries so far",
    "type": "type of a message or entry",
    "verdict": "verdict of a check",
    "version": "version of a program",
    "where": "where to",
}
"""Fields that lines have, beside ``event``, ``level`` and ``timestamp``. Durations end with ``_s``, sizes with ``_bytes``."""


@dataclass(frozen=True, slots=True)
class Line:
    """One place that logs. ``event`` is None where it is no constant."""

    file: str
    number: int
    level: str
    event: str | None
    fields: tuple[str, ...]


def lines() -> list[Line]:
    """All places of the engine that log, in the order of files."""
    return [line for file in sorted(ENGINE.rglob("*.py")) for line in _of(file)]


def _of(file: Path) -> Iterator[Line]:
    name = str(file.relative_to(ENGINE))
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (level := _level(node)):
            event = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            fields = tuple(keyword.arg or "**" for keyword in node.keywords)
            yield Line(name, node.lineno, level, event if isinstance(event, str) else None, fields)


def _level(call: ast.Call) -> str:
    """The level of a call of a logger; ``any`` where it is chosen at run time; empty for other calls."""
    made = call.func
    if isinstance(made, ast.Attribute) and isinstance(made.value, ast.Name) and made.value.id in LOGGERS:
        return made.attr if made.attr in LEVELS else ""
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.func.id == "getattr":
        first = made.args[0]
        return "any" if isinstance(first, ast.Name) and first.id in LOGGERS else ""
    return ""


def problems() -> list[str]:
    """Where a line breaks the rules, with file and number."""
    found = []
    for line in lines():
        where = f"{line.file}:{line.number}"
        if line.event is None:
            found.append(f"{where}: the event is no constant text; put what differs into fields")
        found += [f"{where}: {field} is not in the table of fields" for field in line.fields if field not in FIELDS]
    return found


def markdown() -> str:
    """docs/log-events.md."""
    by_event: dict[str, list[Line]] = defaultdict(list)
    for line in lines():
        by_event[line.event or ""].append(line)
    text = [
        "# Log events", "",
        "What an engine can log. Made from its source by `make docs`; do not edit. One JSON object a line when not on a terminal",
        "(`CHORUS_LOG_FORMAT`): `timestamp` (UTC), `level`, `event` and fields. Of one event 30 lines a minute are written; the next",
        "line after that says in `left_out` how many were not. `chorus_log_events_total` and `chorus_log_events_suppressed_total` count",
        f"them. “{TOLD}” is what people read in the event log, its words in `text`. `chorus-tui log` shows an engine's newest lines.",
        "", "| event | level | room | fields |", "|---|---|---|---|",
    ]  # fmt: skip
    for event in sorted(by_event, key=lambda event: event.lstrip("⚠️❌✅📤🔎🔧🤖📢🎓🆘 ").lower()):
        found = by_event[event]
        levels, rooms = sorted({line.level for line in found}), sorted({line.file.split("/")[0] for line in found})
        fields = sorted({field for line in found for field in line.fields})
        text.append(f"| {event} | {', '.join(levels)} | {', '.join(rooms)} | {', '.join(fields)} |")
    text += ["", "## Fields", "", "| field | meaning |", "|---|---|"]
    text += [f"| `{name}` | {meaning} |" for name, meaning in sorted(FIELDS.items())]
    return "\n".join(text) + "\n"
