"""What the ucxl screen shows of a content: its facts in a line or two, its text in colours."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping

from rich.cells import cell_len
from rich.style import Style
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from chorus_tui.contract.models.ucxl import RECORD_TYPE, Content, VersionRow
from chorus_tui.telling import record
from chorus_tui.telling import ucxl as words
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import plain, plain_lines, size

MOST_LINES = 2_000
MOST_COLOURED = 100_000
"""Characters that are coloured; more would make the keys wait."""
MOST_SHOWN = 400_000
NAME_WIDTH = 11
"""Of a fact of a record; a longer name stands with its value."""

WELCOME = (
    "Nothing is open.\n\nChoose in the tree (o goes from pane to pane), press a to type an address, / to narrow "
    "the tree, s to search, n to write.\n\n"
    "ucxl://agent:role@project:task/VERSION/path\n\n"
    "*^ latest   *~2 version 2   ~~1 one back   ^^1 one on from the first   @TIME as it was then"
)
EMPTY = (
    "Nothing has been written yet.\n\nPress n to write the first content. Every member can read it, unless you seal it; it stays "
    "when its author is gone, and all its versions stay with it."
)


def facts(row: VersionRow, last: int) -> Text:
    """Two lines: which version by whom, and what is to know of it."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.at))
    line = Text(f"version {row.n} of {last}", style="bold")
    line.append(f" · {words.fixed(row)}", style="" if row.settled else "yellow")
    line.append(f" · {plain(words.author(row))} · {at}", style="not bold")
    rest = [words.siblings(row), "removed" if row.tombstone else ""]
    rest += [] if row.tombstone else [f"{row.media_type}, {size(row.size)}", words.readers(row)]
    rest += [", ".join(row.tags), row.description]
    line.append("\n" + " · ".join(plain(part) for part in rest if part), style="not bold dim")
    return line


def mark(row: VersionRow) -> Text:
    """A word or two for the list of versions."""
    if row.tombstone:
        return Text("removed", style="red")
    if row.sibling_count:
        return Text(f"beside {row.siblings[0]}{'…' if row.sibling_count > 1 else ''}", style="yellow")
    return Text("settled", style="dim") if row.settled else Text("may move", style="yellow")


def text_of(content: Content) -> str | None:
    """Content as text; None when it is none."""
    data = base64.b64decode(content.data)
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def in_words(content: Content, names: Mapping[str, str]) -> Table | None:
    """A record of the mesh as a person reads it; None for any other content. ``names`` are those of peers, by their ids."""
    text = text_of(content) if content.version.media_type == RECORD_TYPE else None
    rows = record.rows(text, content.version.place, names) if text is not None else None
    if rows is None:
        return None
    facts = [_fact(name, value) for name, value in rows[:MOST_LINES]]
    left = len(rows) - MOST_LINES
    return table([*facts, *([("", f"… and {left:,} more lines")] if left > 0 else [])], NAME_WIDTH)


def _fact(name: str, value: str) -> tuple[str | Text, str | Text]:
    """A name is the network's, too: as text it is no markup."""
    name = plain(name)
    style = "green" if name == "result" and value.startswith("✓") else ""
    if cell_len(name) > NAME_WIDTH:
        return Text(), f"{name}: {value}"
    return Text(name), Text(plain(value), style="bold" if name in ("question", "task") else style)


def shown(content: Content, *, dark: bool) -> Text:
    """Its text, in the colours of its language; what cannot be shown is told."""
    text = text_of(content)
    if text is None:
        what = f"{content.version.media_type}, {size(content.version.size)}"
        return Text(f"This is no text ({what}). The command below with --to FILE keeps it.")
    if not text:
        return Text("(empty)", style="dim")
    lines = plain_lines(text[:MOST_SHOWN])
    kept = "\n".join(lines[:MOST_LINES])
    drawn = _coloured(kept, content.version.place, dark=dark) if len(kept) <= MOST_COLOURED else Text(kept)
    left = len(lines) - MOST_LINES
    if left > 0 or len(text) > MOST_SHOWN:
        drawn.append("\n… and more; the command below prints all of it", style="bold")
    return drawn


def _coloured(text: str, place: str, *, dark: bool) -> Text:
    name = place.rpartition("/")[2]
    lexer = Syntax.guess_lexer(name, "") if "." in name else "default"
    theme = "ansi_dark" if dark else "ansi_light"
    highlighted = Syntax(text, lexer, theme=theme).highlight(text)
    highlighted.rstrip()
    # Only the colours of the letters: what is behind them is the screen's.
    drawn = Text(highlighted.plain)
    for span in highlighted.spans:
        if isinstance(span.style, Style):
            drawn.stylize(
                Style(color=span.style.color, bold=span.style.bold, italic=span.style.italic), span.start, span.end
            )
    return drawn
