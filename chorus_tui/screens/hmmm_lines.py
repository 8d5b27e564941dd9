"""How threads and messages are drawn: who said it, a person or an agent, when, and how far it got."""

from __future__ import annotations

import time

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from chorus_tui.contract.models.hmmm import RoomLine, ThreadRow, ThreadView
from chorus_tui.telling import hmmm as telling
from chorus_tui.widgets.plain import ago, plain, plain_lines

DEEPEST = 6
COLORS = {
    "agreed": "green",
    "settled": "green",
    "objected": "red",
    "standing": "red",
    "reopened": "yellow",
    "open": "cyan",
}


def line(thread: ThreadRow, now: float) -> tuple[Text, ...]:
    """A thread in the list."""
    state = telling.row(thread)
    style = "bold yellow" if thread.escalated else COLORS.get(thread.state, "dim")
    words = "⚠ person" if thread.escalated else state
    return (
        Text(words, style=style, no_wrap=True), _cut(thread.title), _cut(thread.issue_id),
        Text(str(thread.messages), justify="right"), Text(ago(now - thread.last_at), justify="right"),
    )  # fmt: skip


def _cut(text: str) -> Text:
    return Text(plain(text), no_wrap=True, overflow="ellipsis")


def message(line: RoomLine, now: float) -> RenderableType:
    """A message: its head, then its words, set in by its depth; what is too long for a line goes on below its beginning."""
    left = 2 * min(line.depth, DEEPEST)
    words = Text("\n".join(plain_lines(line.message)))
    for why in plain_lines(line.reasoning) if line.reasoning else ():
        words.append(f"\nbecause: {why}", style="italic")
    for cited in line.citations:
        words.append(f"\n{plain(f'see {cited.address} {cited.reason}'.rstrip())}", style="dim")
    return Group(Padding(_head(line, now), (0, 0, 0, left)), Padding(words, (0, 0, 0, left + 2)))


def _head(line: RoomLine, now: float) -> Text:
    """Who, what, when, how far it got, and how it stands."""
    color = COLORS.get(line.state, "")
    text = Text.assemble((f"{telling.SIGNS.get(line.state, '·')} ", color))
    text.append(plain(line.author_name), style="bold cyan" if line.kind == "human" else "bold magenta")
    text.append(plain(f" ({telling.role(line)})"), style="dim")
    at = time.strftime("%H:%M:%S", time.localtime(line.at))
    text.append(plain(f"  {line.type} · {at} · {telling.delivered(line.delivery)}"), style="dim")
    for mark in telling.marks(line, now):
        text.append(plain(f" · {mark}"), style=color or "yellow")
    return text


def above(view: ThreadView) -> Text:
    """What a person must see first: escalations, then what is agreed."""
    text = Text()
    for words in telling.escalations(view.escalations):
        text.append(plain(words) + "\n", style="bold yellow" if words.startswith("⚠") else "green")
    if view.remembered:
        text.append(plain(f"✓ agreed; {view.remembered}\n"), style="green")
    text.rstrip()
    return text
