"""A long text over the whole screen, line by line in colours: read it, scroll it, save what it was made from.

Lines are folded at the screen's width, so that none is cut; only the rows that are seen are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from rich.cells import chop_cells
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from chorus_tui.client.artifacts import keep
from chorus_tui.client.local_files import here, local
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.footer import PortalFooter
from chorus_tui.widgets.plain import plain

MOST_LINES = 20_000

STYLES = {
    "file": Style(bold=True),
    "hunk": Style(color="cyan"),
    "added": Style(color="green"),
    "removed": Style(color="red"),
    "step": Style(color="cyan", bold=True),
    "note": Style(dim=True),
    "seen": Style(dim=True),
    "end": Style(bold=True),
}


class Lines(ScrollView, can_focus=True):
    """Lines of (kind, text), from the first."""

    DEFAULT_CSS = "Lines { height: 1fr; overflow-x: hidden; overflow-y: scroll; }"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("g", "scroll_home", "First line", show=False, id="lines.first", tooltip="Go to the first line"),
        Binding("G", "scroll_end", "Last line", show=False, id="lines.last", tooltip="Go to the last line"),
    ]

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        super().__init__(id="lines")
        told = iter(lines)
        self._lines = [(kind, plain(text)) for kind, text in islice(told, MOST_LINES)]
        left = sum(1 for _ in told)
        if left:
            self._lines.append(("end", f"… {left:,} more lines; s saves all of them"))
        self._rows: list[tuple[str, str]] = []

    def on_resize(self, _event: events.Resize) -> None:
        """Fold anew."""
        # The size counts the scrollbar in.
        width = max(1, self.scrollable_content_region.width)
        self._rows = [(kind, row) for kind, text in self._lines for row in chop_cells(text, width) or [""]]
        self.virtual_size = Size(width, len(self._rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, base, index = self.size.width, self.rich_style, self.scroll_offset.y + y
        if index >= len(self._rows):
            return Strip.blank(width, base)
        kind, text = self._rows[index]
        return Strip([Segment(text, base + STYLES.get(kind, Style()))]).adjust_cell_length(width, base)


class Reader(ModalScreen[None]):
    """``lines`` to read; ``data`` is what ``s`` saves, byte for byte, as ``name`` unless another is given."""

    DEFAULT_CSS = """
    Reader { background: $background; }
    Reader > Vertical { height: 1fr; }
    Reader #about, Reader #command { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Reader #about { background: $panel; text-style: bold; }
    Reader #command { color: $text-muted; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape,q", "leave", "Back", key_display="esc", id="reader.back", tooltip="Back to where you were"),
        Binding("s", "save", "Save", id="reader.save", tooltip="Save it to a file, byte for byte"),
    ]

    def __init__(
        self, about: str, command: str, lines: Iterable[tuple[str, str]], data: bytes, name: str, to: str = "--to FILE"
    ) -> None:
        """``to`` is what the command needs to write into a file."""
        super().__init__()
        self._to = to
        self._headline = about
        self._twin = command
        self._lines = Lines(lines)
        self._data = data
        self._save_as = name

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(plain(self._headline), id="about", markup=False)
            yield self._lines
            yield Static(f"$ {plain(self._twin)}", id="command", markup=False)
        yield PortalFooter()

    def on_mount(self) -> None:
        self._lines.focus()

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_save(self) -> None:
        """Ask where to."""
        where = str(here() / self._save_as)
        box = Ask(f"Save it where?  $ {self._twin} {self._to}", value=where, make=self._save)
        self.app.push_screen(
            box, lambda _word: self.app.notify(f"Saved {box.made}", markup=False) if box.made else None
        )

    def _save(self, where: str) -> Path:
        """Raises ``OSError`` with words for the box."""
        try:
            target = local(where)
            keep(self._data, target)
        except OSError as error:
            raise OSError(f"It could not be saved: {where}: {error.strerror or error}") from error
        return target
