"""Questions, errors and the prompt, over any screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static

from chorus_tui.widgets import box
from chorus_tui.widgets.box import Box
from chorus_tui.widgets.key_words import told
from chorus_tui.widgets.plain import plain, plain_lines


class Dialog(Box[str]):
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
    """Asks before something that cannot be undone. Keys typed before it could be read are swallowed, whenever they arrive."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("y", "sure", "Yes, do it", id="confirm.yes", tooltip="Do it"),
        Binding("n", "answer('')", "No", id="confirm.no", tooltip="Leave it"),
    ]

    def __init__(self, question: str, command: str = "") -> None:
        super().__init__()
        self._question = question
        self._command = command

    def compose(self) -> ComposeResult:
        with Vertical():
            with VerticalScroll(can_focus=False):
                yield Static("\n".join(plain_lines(self._question)), classes="question", markup=False)
            yield Static(f"$ {plain(self._command)}\n" if self._command else "", classes="hint", markup=False)
            yes, no = told(self, "confirm.yes", "y"), told(self, "confirm.no", "n")
            yield Label(f"{yes}  yes, do it      {no}  no", classes="hint", markup=False)

    def action_sure(self) -> None:
        """Do it."""
        self.dismiss("yes")


class ErrorBox(Dialog):
    """Says what went wrong, under its number. ``c`` copies it; any other key closes and is used up. One typed ahead does nothing."""

    def __init__(self, title: str, detail: str, number: str) -> None:
        super().__init__()
        self._title = title
        self._detail = detail
        self._number = number

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(f"✗ {plain(self._title)}", classes="question", markup=False)
            with VerticalScroll():
                yield Static("\n".join(plain_lines(self._detail)), markup=False)
            yield Label(f"\nError {self._number}, also in the event log", classes="hint", markup=False)
            yield Label("c  copy      any other key  close", classes="hint")

    def on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down", "pageup", "pagedown"):
            return
        event.stop()
        if self.typed_ahead(event):
            return
        if event.key == "c":
            self.app.copy_to_clipboard(f"{self._number} {self._title}\n{self._detail}")
            self.app.notify("Copied", markup=False)
            return
        self.dismiss("")


class Ask(Dialog):
    """One line of text, with completion. A ``careful`` one, whose answer cannot be undone, takes no key that was typed ahead.

    What is typed is to be something: ``make`` makes it, or raises ``ValueError`` (pydantic's, too) or ``OSError`` with the reason,
    or gives None for nothing. A reason is told below the line, which stays open with all that was typed; so is what the engine says.
    """

    DEFAULT_CSS = "Ask .problem { color: $error; display: none; }"

    def more_keys(self) -> str:
        """What other keys do, for the hint."""
        return ""

    def __init__(
        self,
        question: str,
        *,
        command: str = "",
        placeholder: str = "",
        value: str = "",
        words: list[str] | None = None,
        careful: bool = False,
        make: Callable[[str], Any] | None = None,
    ) -> None:
        super().__init__()
        self._question = question
        self._command = command
        self._placeholder = placeholder
        self._value = value
        self._words = words or []
        self._careful = careful
        self.holds = not careful
        self._make = make
        self.made: Any = None
        """What was made of the answer; None while there is none."""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("\n".join(plain_lines(self._question)), classes="question", markup=False)
            suggester = SuggestFromList(self._words, case_sensitive=False) if self._words else None
            field = Input(value=self._value, placeholder=self._placeholder, suggester=suggester)
            field.can_focus = not self._careful
            yield field
            yield Static(classes="problem", markup=False)
            if self._command:
                yield Static(f"$ {plain(self._command)}", classes="hint", markup=False)
            complete = "      →  complete" if self._words else ""
            back = told(self, "dialog.back", "esc")
            yield Label(f"enter  go      {back}  back{complete}{self.more_keys()}", classes="hint", markup=False)

    def on_mount(self) -> None:
        """The keys go to the line; in a careful one only after it could be seen."""
        field = self.query_one(Input)
        field.cursor_blink = False
        if self._careful:
            self.call_after_refresh(self.set_timer, box.TYPE_AHEAD_S, self._open)
        else:
            self.begin(field)

    def _open(self) -> None:
        field = self.query_one(Input)
        field.can_focus = True
        self.begin(field)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if text and self._make is not None:
            try:
                self.made = self._make(text)
            except (ValueError, OSError) as error:
                self.complain(_words(error))
                return
        self.hand_over(self.made, text)

    def complain(self, fault: str) -> None:
        """Below the line."""
        problem = self.query_one(".problem", Static)
        problem.display = bool(fault)
        problem.update("\n".join(plain_lines(fault)))


def _words(error: Exception) -> str:
    from pydantic import ValidationError  # noqa: PLC0415 - most answers have no fault

    from chorus_tui.widgets.faults import faults  # noqa: PLC0415 - as above

    if isinstance(error, ValidationError):
        return "\n".join(f"{name}: {words}" for name, words in faults(error).items())
    return str(error)


class Prompt(Ask):
    """Any command by its name; up and down bring back what was typed here before, the newest first."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("up", "recall(-1)", "Earlier", id="prompt.earlier", tooltip="What was typed before this"),
        Binding("down", "recall(1)", "Later", id="prompt.later", tooltip="What was typed after this"),
    ]

    def __init__(self, words: list[str], typed: list[str], make: Callable[[str], object]) -> None:
        super().__init__("Command", placeholder=", ".join(words), words=words, make=make)
        self._lines = [*typed, ""]
        self._at = len(typed)

    def more_keys(self) -> str:
        keys = f"{told(self, 'prompt.earlier', '↑')} {told(self, 'prompt.later', '↓')}"
        return f"      {keys}  what was typed before"

    def action_recall(self, step: int) -> None:
        """Another line; the one that is being typed waits at the end."""
        field, wanted = self.query_one(Input), self._at + step
        if 0 <= wanted < len(self._lines):
            self._lines[self._at] = field.value
            self._at = wanted
            field.value = self._lines[wanted]
            field.cursor_position = len(field.value)
