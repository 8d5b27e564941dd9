"""Names left, values right: how facts are shown everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from chorus_tui.widgets.plain import plain


def table(rows: Iterable[tuple[str | Text, str | Text]], width: int = 10) -> Table:
    """One fact a row, made harmless; a long value goes on below its beginning."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=width, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, Text(plain(value)) if isinstance(value, str) else value)
    return grid
