"""The table of all message types for people: ``docs/messages.md`` is what this prints."""

from __future__ import annotations

from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.messages.base import MessageType

_HEAD = """# Messages

What peers say to each other: who sends each type, what makes them, and what another peer does with it. Made from the table in
`chorus_tui/engine/protocol/messages/`; the wire format is in [protocol.md](protocol.md).

A **kept** message is an entry of its author's signed feed: on disk before it is sent, replicated to every member. What is not kept
is gossip that nobody needs tomorrow; `chorus-tui journal tail --fleeting` shows the last of it. *Log type* is the original's name in
its log, a column of `journal tail`. A message whose data does not fit its type is not forwarded, is counted (`status`), and, if it
is one of those that are kept, stored as unreadable, so that it harms nobody and the feed goes on.
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
    return "\n".join(parts)


def _row(name: str, row: MessageType) -> str:
    topic = row.topic or f"{row.family}…"
    kept = "yes" if row.durable else "no"
    return f"| `{name}` | {kept} | `{topic}` | {row.by} | {row.when} | {row.effect} | `{row.log_type}` |"
