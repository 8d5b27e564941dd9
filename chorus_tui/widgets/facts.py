"""Names left, values right: how facts are shown everywhere."""

from __future__ import annotations

from rich.text import Text


def table(rows: list[tuple[str, str]], width: int = 10) -> Text:
    """One fact a line; long values end in an ellipsis."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for name, value in rows:
        text.append(f"{name:<{width}} ", style="dim")
        text.append(f"{value}\n")
    return text
