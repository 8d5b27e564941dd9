"""Where one stands in a form of several steps."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text


def trail(steps: Sequence[str], here: str, about: str) -> Text:
    """The steps in their order, the present one marked, and after them what the form is about."""
    shown = Text(no_wrap=True)
    for step in steps:
        shown.append(f" {step} ", style="reverse bold" if step == here else "dim")
        shown.append(" " if step == steps[-1] else " → ", style="dim")
    return shown.append(f"  {about}", style="bold")
