"""Questions, errors and the prompt, over any screen."""

from __future__ import annotations

import time

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static

from chorus_tui.widgets.plain import plain, plain_lines

TYPE_AHEAD_S = 0.15


class Dialog(ModalScreen[str]):
    """A box in the middle. The answer is a word; escape answers with an empty one."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical {
        width: 76; max-width: 95%; height: auto; max-height: 90%;
        border: thick $accent; background: $surface; padding: 1 2;
    }
    Dialog .question { margin-bottom: 1; }
    Dialog .hint { color: $text-muted; }
    Dialog VerticalScroll { height: auto; max-height: 14; }
    """
    BINDINGS = [Binding("escape", "answer('')", "Back", id="dialog.back", tooltip="Close without doing anything")]  # noqa: RUF012

    def action_answer(self, word: str) -> None:
        """Close with this answer."""
        self.dismiss(word)


class Confirm(Dialog):
    """Asks before something that cannot be undone. Keys typed before it could be read are swallowed."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("y", "sure", "Yes, do it", id="confirm.yes", tooltip="Do it"),
        Binding("n", "answer('')", "No", id="confirm.no", tooltip="Leave it"),
    ]

    def __init__(self, question: str, command: str = "") -> None:
        super().__init__()
        self._question = question
        self._command = command
        self._since = time.monotonic()

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(plain(self._question), classes="question", markup=False)
            if self._command:
                yield Static(f"$ {plain(self._command)}", classes="hint", markup=False)
            yield Label("y  yes, do it      n  no", classes="hint")

    def on_mount(self) -> None:
        self._since = time.monotonic()

    def action_sure(self) -> None:
        """Only a key that was typed after the question could be seen counts."""
        if time.monotonic() - self._since >= TYPE_AHEAD_S:
            self.dismiss("yes")


class ErrorBox(Dialog):
    """Says what went wrong. ``c`` copies it; any other key closes and is used up."""

    def __init__(self, title: str, detail: str) -> None:
        super().__init__()
        self._title = title
        self._detail = detail

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(f"✗ {plain(self._title)}", classes="question", markup=False)
            with VerticalScroll():
                yield Static("\n".join(plain_lines(self._detail)), markup=False)
            yield Label("c  copy      any other key  close", classes="hint")

    def on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down", "pageup", "pagedown"):
            return
        event.stop()
        if event.key == "c":
            self.app.copy_to_clipboard(f"{self._title}\n{self._detail}")
            self.app.notify("Copied", markup=False)
            return
        self.dismiss("")


class Ask(Dialog):
    """One line of text, with completion."""

    def __init__(
        self, question: str, *, placeholder: str = "", value: str = "", words: list[str] | None = None
    ) -> None:
        super().__init__()
        self._question = question
        self._placeholder = placeholder
        self._value = value
        self._words = words or []

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(plain(self._question), classes="question", markup=False)
            suggester = SuggestFromList(self._words, case_sensitive=False) if self._words else None
            yield Input(value=self._value, placeholder=self._placeholder, suggester=suggester)
            yield Label("enter  go      escape  back      →  complete", classes="hint")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())
