"""One answer to what waits: a choice by its number, words where they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Label, OptionList, Static

from chorus_tui.widgets.box import Box
from chorus_tui.widgets.key_words import told
from chorus_tui.widgets.marks import Mark
from chorus_tui.widgets.plain import plain, plain_lines

UNSIGNED = "file of your own key; empty: not signed"


class Answered(NamedTuple):
    """What was chosen, what was said, whether it is for good, and the file of the key that is to sign it; empty: none."""

    choice: str
    words: str
    for_good: bool = False
    key: str = ""


class AnswerBox(Box[Answered | None]):
    """The answer, or None. Nothing typed is lost while it is open: an empty answer is not taken, nor one that the engine refuses.

    Words that are typed before the box is there go to their field; a choice that is typed ahead is none.
    ``make`` makes of the answer what the engine is asked for.
    ``key``: the file of a key that may sign the answer, to begin with; None: it is not asked for. ``hint`` is told above the command.
    ``for_good``: what an answer means that is never given again; where that makes no difference it is empty, and not asked.
    """

    DEFAULT_CSS = """
    AnswerBox { align: center middle; }
    AnswerBox > Vertical {
        width: 76; max-width: 95%; height: auto; max-height: 90%;
        border: thick $accent; background: $surface; padding: 1 2;
    }
    AnswerBox #asked { height: auto; max-height: 8; }
    AnswerBox OptionList { height: auto; max-height: 8; margin: 1 0; background: $surface; }
    AnswerBox #command { max-height: 2; }
    AnswerBox #signing { height: 1; }
    AnswerBox #signing Label { width: auto; }
    AnswerBox #key { width: 1fr; }
    AnswerBox.-short #asked { max-height: 3; }
    AnswerBox.-short OptionList { max-height: 4; padding: 0; text-wrap: nowrap; text-overflow: ellipsis; }
    AnswerBox.-short OptionList, AnswerBox.-short OptionList:focus { border: none; }
    AnswerBox .hint { color: $text-muted; }
    AnswerBox #problem { color: $error; height: auto; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-high")]  # noqa: RUF012 - Textual's way
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape", "back", "Back", id="answer.back", tooltip="Close without answering"),
    ]

    def __init__(
        self,
        title: str,
        question: str,
        choices: list[str],
        words: str,
        command: str,
        *,
        for_good: str = "",
        key: str | None = None,
        hint: str = "",
        make: Callable[[Answered], Any] = lambda answer: answer,
    ) -> None:
        super().__init__()
        self.holds = not choices
        self._make = make
        self._for_good = for_good
        self._key, self._hint = key, hint
        self._title, self._question = title, question
        self._choices, self._words, self._command = choices, words, command

    def compose(self) -> ComposeResult:
        with Vertical():
            # Others wrote it, as long as they liked: it scrolls, so that what answers it is always there.
            with VerticalScroll(id="asked"):
                yield Static(plain(self._title), markup=False)
                yield Static(plain(self._question), classes="hint", markup=False)
            if self._choices:
                yield OptionList(*(self._shown(n) for n in range(len(self._choices))), markup=False)
            if self._words != "none":
                placeholder = "your words" if self._words == "needed" else "your words, if you like"
                yield Input(placeholder=placeholder, max_length=4_000, id="words")
            if self._key is not None:
                with Horizontal(id="signing"):
                    yield Label("sign with  ", markup=False)
                    yield Input(self._key, placeholder=UNSIGNED, id="key", compact=True)
            if self._for_good:
                yield Mark(self._for_good, id="for-good", compact=True)
            yield Static(id="problem", markup=False)
            if self._hint:
                yield Static(plain(self._hint), classes="hint", markup=False)
            if self._command:
                yield Static(f"$ {plain(self._command)}", id="command", classes="hint", markup=False)
            yield Label(self._keys(), classes="hint", markup=False)

    def _shown(self, number: int, *, chosen: bool = False) -> str:
        """A choice with its key; a sign tells the chosen one where colours do not."""
        return f"{'▸' if chosen else ' '} {number + 1}  {plain(self._choices[number])}"

    def _choose_nothing(self) -> None:
        """Textual has put its mark on the first."""
        listed = self.query_one(OptionList)
        listed.highlighted = None
        self.watch(listed, "highlighted", self._show_chosen)

    def _show_chosen(self, chosen: int | None) -> None:
        listed = self.query_one(OptionList)
        for number in range(len(self._choices)):
            listed.replace_option_prompt_at_index(number, self._shown(number, chosen=number == chosen))

    def _keys(self) -> str:
        choose = [f"1-{len(self._choices)}  choose"] if self._choices else []
        back = f"{told(self, 'answer.back', 'esc')}  back"
        if self._for_good:
            return "   ".join([*choose, "enter  answer", "space  mark", "tab  next", back])
        return "      ".join([*choose, "enter  answer", "tab  next field", back])

    def on_mount(self) -> None:
        """The keys go to what has to be given. Nothing is chosen yet: a key typed ahead must not decide."""
        if self._choices:
            self.begin(self.query_one(OptionList))
            self.call_after_refresh(self._choose_nothing)
        else:
            self.begin(self.query_one("#words", Input))

    def action_back(self) -> None:
        """Without an answer."""
        self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        """A number chooses, while no words are being typed."""
        if isinstance(self.focused, Input) or not event.key.isdecimal() or self.typed_ahead(event):
            return
        number = int(event.key)
        if 1 <= number <= len(self._choices):
            event.stop()
            self.query_one(OptionList).highlighted = number - 1

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a choice."""
        event.stop()
        self._answer()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the words."""
        event.stop()
        self._answer()

    def _answer(self) -> None:
        chosen = self.query_one(OptionList).highlighted if self._choices else None
        words = "" if self._words == "none" else self.query_one("#words", Input).value.strip()
        if self._choices and chosen is None:
            self.complain("Choose one first.")
        elif (self._words == "needed" or not self._choices) and not words:
            self.complain("Words are needed here.")
            self.query_one("#words", Input).focus()
        else:
            for_good = bool(self._for_good) and self.query_one(Mark).value
            key = self.query_one("#key", Input).value.strip() if self._key is not None else ""
            answer = Answered(self._choices[chosen] if chosen is not None else "", words, for_good, key)
            self.hand_over(self._make(answer), answer)

    def complain(self, fault: str) -> None:
        """Above the keys."""
        self.query_one("#problem", Static).update("\n".join(plain_lines(fault)))
