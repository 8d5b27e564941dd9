"""The keys below a screen: as many as fit, and always the one that shows them all and the one that leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer, Label
from textual.widgets._footer import FooterKey

WIDE: Final = 100
"""Columns from which panes stand side by side."""
LAST: Final = ("keys", "quit")
"""Actions whose keys are never left out: the first tells of all others."""
FIRST_TO_GO: Final = "show('help')"
READ_ONLY: Final = " read only "


class PortalFooter(Footer):
    """Where it is narrow the last of the screen's own keys are left out; a portal that only looks says so here."""

    DEFAULT_CSS = "PortalFooter > .read-only { width: auto; text-style: reverse; }"

    async def on_resize(self, event: events.Resize) -> None:
        """More keys, or fewer."""
        self.show_command_palette = event.size.width >= WIDE
        if self._bindings_ready:
            await self.recompose()

    def compose(self) -> ComposeResult:
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        room = self.app.size.width
        if self.app.read_only:  # type: ignore[attr-defined]
            yield Label(READ_ONLY, classes="read-only", markup=False)
            room -= len(READ_ONLY)
        docked = {n for n, key in enumerate(keys) if key.has_class("-command-palette")}
        always = docked | {n for n, key in enumerate(keys) if key.action in LAST}
        spare = [n for n, key in enumerate(keys) if key.action == FIRST_TO_GO]
        shown = fitting([_width(key) for key in keys], room, always, spare)
        yield from (keys[n] for n in shown)


def fitting(widths: Sequence[int], room: int, always: set[int], spare: Sequence[int]) -> list[int]:
    """Which of the keys fit into ``room`` columns, in their order: ``spare`` ones go first, then the last; those of ``always`` stay."""
    shown = set(range(len(widths)))
    for n in [*spare, *reversed(range(len(widths)))]:
        if sum(widths[one] for one in shown) <= room:
            break
        if n not in always:
            shown.discard(n)
    return sorted(shown)


def _width(key: FooterKey) -> int:
    """Columns: a blank on each side of the key and one behind its words; the palette's has a line and a blank more."""
    return cell_len(key.key_display) + cell_len(key.description) + (5 if key.has_class("-command-palette") else 3)
