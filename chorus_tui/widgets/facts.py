"""Names left, values right: how facts are shown everywhere."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text


def table(rows: list[tuple[str, str]], width: int = 10) -> Table:
    """One fact a row; a long value goes on below its beginning, so that none is cut."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=width, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, Text(value))
    return grid
