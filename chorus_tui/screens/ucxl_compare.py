"""Two versions compared over the whole screen: side by side where both are text, else what is known of the difference."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from chorus_tui.telling.patch import told_apart
from chorus_tui.widgets.diff import SideBySide, heading
from chorus_tui.widgets.footer import PortalFooter
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.reader import Lines


class Compare(ModalScreen[None]):
    """``names`` of the two sides; ``texts`` both or none; ``lines`` of a unified diff; ``note`` when there is nothing to show."""

    DEFAULT_CSS = """
    Compare { background: $background; }
    Compare > Vertical { height: 1fr; }
    Compare #about, Compare #command { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Compare #about { background: $panel; text-style: bold; }
    Compare #note { height: 1fr; padding: 1 2; }
    Compare #command { color: $text-muted; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape,q", "leave", "Back", key_display="esc", id="compare.back", tooltip="Back to the content"),
    ]

    def __init__(self, names: tuple[str, str], texts: list[str], lines: list[str], note: str, command: str) -> None:
        super().__init__()
        self._names = names
        self._texts = texts
        self._lines = lines
        self._note = note
        self._command = command

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(plain(f"{self._names[0]}  │  {self._names[1]}"), id="about", markup=False)
            if self._note:
                yield Static(plain(self._note), id="note", markup=False)
            elif self._texts:
                yield SideBySide(*self._texts)
            else:
                yield Lines(told_apart(self._lines))
            if self._command:
                yield Static(plain(f"$ {self._command}"), id="command", markup=False)
        yield PortalFooter()

    def on_mount(self) -> None:
        """The keys go to what scrolls."""
        for place in self.query("#diff, #lines"):
            place.focus()

    def on_resize(self, _event: events.Resize) -> None:
        """Each name stands above its side."""
        for place in self.query(SideBySide):
            width = self.size.width - place.styles.scrollbar_size_vertical
            self.query_one("#about", Static).update(heading(plain(self._names[0]), plain(self._names[1]), width))

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)
