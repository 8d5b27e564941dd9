"""Shows the command lines of what can be done where one is; one of them is copied by a key."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from chorus_tui.widgets.key_words import told
from chorus_tui.widgets.plain import plain


class CommandBox(ModalScreen[None]):
    """``lines``: what it does, and the line that does it in a shell."""

    DEFAULT_CSS = """
    CommandBox { align: center middle; }
    CommandBox > Vertical {
        width: 100; max-width: 96%; height: auto; max-height: 90%; border: thick $accent; background: $surface; padding: 1 2;
    }
    CommandBox OptionList { height: auto; max-height: 50vh; margin: 1 0; background: $surface; border: none; padding: 0; }
    CommandBox OptionList:focus { border: none; }
    CommandBox .hint { color: $text-muted; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape,q,ctrl+y", "leave", "Back", id="commands.back", tooltip="Close without copying"),
        Binding("c,y", "copy", "Copy", id="commands.copy", tooltip="Copy the line under the cursor"),
    ]

    def __init__(self, lines: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._told = lines

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label("The same on the command line; words in capitals are yours to fill in", classes="hint")
            yield OptionList(*(Option(_shown(what, line)) for what, line in self._told), markup=False)
            back = told(self, "commands.back", "esc")
            yield Label(f"enter  copy      {back}  back", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """The one under the cursor."""
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self._copy(at)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click."""
        event.stop()
        self._copy(event.option_index)

    def _copy(self, at: int) -> None:
        line = self._told[at][1]
        self.app.copy_to_clipboard(line)
        self.app.notify(f"Copied {plain(line, limit=200)}", markup=False)
        self.dismiss(None)


def _shown(what: str, line: str) -> Text:
    text = Text(f"{plain(what, limit=40)}\n", style="dim")
    return text.append(f"  $ {plain(line)}", style="not dim")
