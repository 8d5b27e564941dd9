"""The table of all message types, and the fields of each, for people: ``docs/messages.md`` is what this prints."""

from __future__ import annotations

import inspect
import json
from typing import Any

from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.messages.base import MessageType

_HEAD = """# Messages

What peers say to each other: who sends each type, what makes them, and what another peer does with it. Made from the table in
`chorus_tui/engine/protocol/messages/`; the wire format is in [protocol.md](protocol.md).

A **kept** message is an entry of its author's signed feed: on disk before it is sent, replicated to every member. What is not kept
is gossip that nobody needs tomorrow; `chorus-tui journal tail --fleeting` shows the last of it. *Log type* is the original's name in
its log, a column of `journal tail`. A message whose data does not fit its type is not forwarded, is counted (`status`), and, if it
is one of those that are kept, stored as unreadable, so that it harms nobody and the feed goes on. The [fields](#fields) of each type's
data stand below.
"""
_FIELDS = """## Fields

What stands in `data`. A field without a default must be there; fields that are not named here may be, and stay. A number of characters or
of items alone is the most; a pattern is that of the whole text. What a type asks for besides stands in words above its fields.
"""
_GROUPS = (
    ("membership", "Who is there"), ("tasks", "Tasks"), ("talk", "Discussion and coordination"), ("rooms", "Rooms"),
    ("decisions", "Decisions"), ("patches", "Patches"), ("roles", "Roles"), ("keys", "Role keys"), ("context", "Context"),
    ("collab", "Shared texts"),
    ("ucxl", "Content under addresses"), ("feeds", "Feeds and control log"), ("beats", "The beat (BACKBEAT)"),
)  # fmt: skip


def markdown() -> str:
    """The whole page."""
    parts = [_HEAD]
    for module, title in _GROUPS:
        rows: dict[str, MessageType] = getattr(messages, module).ROWS
        parts += [
            f"## {title}\n",
            "| type | kept | topic | sender | trigger | reaction | log type |",
            "|---|---|---|---|---|---|---|",
        ]
        parts += [_row(name, row) for name, row in rows.items()]
        parts.append("")
    shapes: dict[str, Any] = {}
    parts.append(_FIELDS)
    for module, _ in _GROUPS:
        for name, row in getattr(messages, module).ROWS.items():
            schema = row.model.model_json_schema()
            shapes |= schema.pop("$defs", {})
            parts += [f"### `{name}`\n", *_described(row.model.__doc__, schema)]
    parts.append("## Parts of fields\n")
    for name, schema in sorted(shapes.items()):
        parts += [f"### {name}\n", *_described(schema.get("description"), schema)]
    return "\n".join(parts)


def _row(name: str, row: MessageType) -> str:
    topic = row.topic or f"{row.family}…"
    kept = "yes" if row.durable else "no"
    return f"| `{name}` | {kept} | `{topic}` | {row.by} | {row.when} | {row.effect} | `{row.log_type}` |"


def _described(words: str | None, schema: dict[str, Any]) -> list[str]:
    """Its words, and a table of its fields."""
    told = [inspect.cleandoc(words).replace("``", "`"), ""] if words else []
    fields, needed = schema.get("properties", {}), schema.get("required", [])
    if not fields:
        return [*told, "No fields.\n" if schema.get("type") == "object" else f"{_form(schema)}\n"]
    rows = [
        f"| `{name}` | {_form(field)} | {'' if name in needed else _default(field)} | {field.get('description', '')} |"
        for name, field in fields.items()
    ]
    return [*told, "| field | form | default | |", "|---|---|---|---|", *rows, ""]


def _default(field: dict[str, Any]) -> str:
    return f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else "empty"


def _form(schema: dict[str, Any]) -> str:
    """What a value looks like, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_form, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{json.dumps(one)}`" for one in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "anything")
    if "prefixItems" in schema:
        return f"[{', '.join(map(_form, schema['prefixItems']))}]"
    if kind == "array":
        return f"list of {_span(schema, 'minItems', 'maxItems')}{_form(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        span = _span(schema, "minProperties", "maxProperties")
        return f"object of {span}{_form(schema['additionalProperties'])}"
    if kind == "string":
        # A vertical line would end the cell.
        pattern = "`{}`".format(schema["pattern"].replace("|", "\\|")) if "pattern" in schema else ""
        return f"text {_span(schema, 'minLength', 'maxLength')}{pattern}".strip()
    if "exclusiveMinimum" in schema:
        return f"{kind} over {schema['exclusiveMinimum']}"
    return f"{kind} {_span(schema, 'minimum', 'maximum')}".strip()


def _span(schema: dict[str, Any], least: str, most: str) -> str:
    """Bounds, with a blank behind them; a least of 0 of what is counted goes without saying."""
    low, high = schema.get(least), schema.get(most)
    if low is None or (not low and least != "minimum"):
        return "" if high is None else f"{high} "
    if high is None:
        return f"from {low} "
    return f"{low} " if low == high else f"{low} to {high} "
