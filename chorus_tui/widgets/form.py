"""A form over any screen: what the engine does not take is shown at its field, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.markup import escape
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Select, Static, TextArea

from chorus_tui.client import EngineGone
from chorus_tui.contract.problem import Problem
from chorus_tui.widgets.box import Box
from chorus_tui.widgets.dialogs import Confirm
from chorus_tui.widgets.key_words import told
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.sending import KEPT, Sending

if TYPE_CHECKING:
    from pydantic import BaseModel


class Form(Sending, Box[str]):
    """Answers with the id of what was made, or an empty text. Subclasses have the fields, a ``#problem`` line, buttons ``#send``
    and ``#back``, and an action ``send`` that checks, asks the engine, and closes only when it took it."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape", "leave", "Back", id="form.back", tooltip="Close the form"),
        Binding("ctrl+s", "send", "Send", id="form.send", tooltip="Send what was typed", priority=True),
    ]
    AUTO_FOCUS = ""  # Textual's own would scroll to the first field before it has its place, and past its label
    holds = True
    _at_first: Sequence[object] = ()
    FIRST = ""
    """Selector of the field that has the keys at the beginning."""
    PLACES: ClassVar[dict[str, str]] = {}
    """By field of the request, the id of the widget that it is typed into."""
    NAMES: ClassVar[dict[str, str]] = {}
    """By field of the request, its name as the form shows it, where that is another one."""

    def place_of(self, name: str) -> str:
        """The id of the widget that a field of the request is typed into; empty for none."""
        return self.PLACES.get(name.partition(".")[0], "")

    def label_of(self, name: str) -> str:
        """A field's name as the form shows it."""
        return self.NAMES.get(name, name)

    BUTTONS: ClassVar[dict[str, tuple[str, str]]] = {"send": ("form.send", "ctrl+s"), "back": ("form.back", "esc")}
    """By button, the binding that does the same and how its key is called on the button."""

    def on_mount(self) -> None:
        """Begin with the first field."""
        for button in self.query(Button):
            binding, usual = self.BUTTONS.get(button.id or "", ("", ""))
            words = str(button.label)
            if binding and words.endswith(usual):
                button.label = f"{escape(words.removesuffix(usual))}{escape(told(self, binding, usual))}"
        for field in self.query(Input):
            field.cursor_blink = False
        for area in self.query(TextArea):
            area.cursor_blink = False
        self._at_first = self._contents()
        self.begin(self.query_one(self.FIRST))

    def _contents(self) -> list[object]:
        """What stands in all fields."""
        fields = self.query("Input, TextArea, Select")
        return [one.text if isinstance(one, TextArea) else getattr(one, "value", None) for one in fields]

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Either button."""
        await self.run_action("send" if event.button.id == "send" else "leave")

    def action_leave(self) -> None:
        """Without sending; what was typed is not thrown away without a question."""
        if self._contents() == self._at_first:
            self.dismiss("")
        else:
            question = "What you typed here was not sent. Close the form and lose it?"
            self.app.push_screen(Confirm(question), self._leave_sure)

    def _leave_sure(self, word: str | None) -> None:
        if word == "yes":
            self.dismiss("")

    async def ask(self, operation: str, request: BaseModel) -> Any:
        """The engine's answer; None when it says no or is gone, which is shown."""
        try:
            answer = await self.call(operation, request)
        except Problem as problem:
            self.show_faults(problem.fields)
            told = [f"{self.label_of(name)}: {words}" for name, words in problem.fields.items()]
            self.say("\n".join([problem.title, problem.detail, *told]))
        except EngineGone as error:
            self.say(f"{error} {KEPT}")
        else:
            self.app.note_done(operation, request)  # type: ignore[attr-defined]
            return answer
        return None

    def show_faults(self, found: dict[str, str]) -> None:
        """Each at its field, all of them below; the first gets the keys and comes into view with its label."""
        places = {self.place_of(name): words for name, words in found.items()}
        wrong = []
        for widget in self.query("Input, TextArea, Select"):
            words = places.get(widget.id or "", "")
            widget.set_class(bool(words), "-wrong")
            widget.border_subtitle = escape(plain(words)) if words else ""
            wrong += [widget] if words else []
        if wrong:
            self.set_focus(wrong[0], scroll_visible=False)
            self.call_after_refresh(self._bring, wrong[0])
        self.say("\n".join(f"{self.label_of(name)}: {words}" for name, words in found.items()))

    def _bring(self, field: Widget) -> None:
        """Into view, below its label: without it nobody knows what the field is."""
        siblings = list(field.parent.children) if field.parent is not None else []
        before = siblings[siblings.index(field) - 1] if field in siblings[1:] else field
        label = before if isinstance(before, Label) else field
        if not (self.can_view_entire(label) and self.can_view_entire(field)):
            label.scroll_visible(top=True, animate=False)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A field that gets the keys comes into view with its label."""
        self.call_after_refresh(self._bring_focused, event.widget)

    def on_resize(self, _event: events.Resize) -> None:
        """The field with the keys stays in view where there is less room now."""
        self.call_after_refresh(self._bring_focused, self.focused)

    def _bring_focused(self, field: Widget | None) -> None:
        if isinstance(field, Input | TextArea | Select) and field is self.focused:
            self._bring(field)

    def say(self, text: str) -> None:
        """The line below the fields."""
        lines = [plain(line) for line in text.splitlines() if line.strip()]
        self.query_one("#problem", Static).update("\n".join(lines))


def under(name: str, field: Widget) -> ComposeResult:
    """A field below its label, beside others."""
    with Vertical():
        yield Label(name)
        yield field
