"""The editor of a shared text: the person's keys become edits at once, others' edits move the cursor as they should."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from chorus_tui.contract.models.collab import Participant
from chorus_tui.contract.text_edit import Edit, difference, moved, place_of, row_and_column
from chorus_tui.screens.collab_copy import SharedCopy

COLORS = ("cyan", "magenta", "yellow", "green", "blue", "red", "white", "bright_cyan")


MOST_TEXT = 1 << 20
"""Characters that the engine takes."""


class SharedEditor(TextArea):
    """Shows a :class:`SharedCopy`, or nothing."""

    class Typed(Message):
        """The copy has something to send."""

    class TooLong(Message):
        """What was typed last would have made the text too long, and is taken back."""

    def __init__(self, **options: str) -> None:
        super().__init__(id=options.get("id"), soft_wrap=True, read_only=True, tab_behavior="focus")
        self.cursor_blink = False
        self.copy_of: SharedCopy | None = None
        self.foreign = False
        """The text has characters that this editor cannot keep: it is only shown."""
        self.people: list[Participant] = []
        """Who takes part, their cursors moved with the text since they were last told."""
        self._marks: dict[int, list[tuple[int, str]]] = {}

    # ── the copy ───────────────────────────────────────────────────────────────────────────────────────────────────

    def show_copy(self, copy: SharedCopy | None, *, read_only: bool, text: str = "") -> None:
        """Another text, or the same one from elsewhere."""
        self.copy_of = copy
        self._marks = {}
        self.load_text(copy.text if copy is not None else text)
        self.foreign = copy is not None and self.text != copy.text
        self.read_only = read_only or self.foreign or copy is None

    def show_text(self, text: str) -> None:
        """A text that is only looked at, as it is now; the place in it is kept."""
        edit = difference(self.text, text)
        if not edit.nothing:
            start, end = (place_of(self.text, *where) for where in self.selection)
            self._put(edit)
            self._select(moved(start, edit), moved(end, edit))

    def absorb(self) -> None:
        """What was typed since the last time goes into the copy."""
        copy = self.copy_of
        if copy is None or self.read_only:
            return
        now = self.text
        if len(now) > MOST_TEXT and len(now) > len(copy.text):
            self.show_copy(copy, read_only=False)
            self.post_message(self.TooLong())
        elif now != copy.text:
            edit = difference(copy.text, now, self.place)
            copy.type(edit)
            self._follow_marks([edit])
            self.post_message(self.Typed())

    async def _on_key(self, event: events.Key) -> None:
        """Keys with an action act here, in the order in which they were typed. Else such a key goes up to the app before it acts, and
        letters typed after it overtake it: a quick backspace would take the wrong one."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            event.stop()
            event.prevent_default()
            await self.run_action(binding.action)
            return

    def on_text_area_changed(self) -> None:
        """A key, a paste, an undo; after another's edit there is nothing left to absorb."""
        self.absorb()

    def take(self, update: bytes) -> None:
        """An update of others: first what was typed here, then theirs, the cursor staying where it belongs."""
        copy = self.copy_of
        if copy is None:
            return
        self.absorb()
        edits = copy.take(update)
        if not edits:
            return
        start, end = (place_of(self.text, *where) for where in self.selection)
        for edit in edits:
            self._put(edit)
            start, end = moved(start, edit), moved(end, edit)
        if self.text != copy.text:
            self.show_copy(copy, read_only=self.read_only)
        self._select(start, end)
        self._follow_marks(edits)
        # Undo would take back what others wrote in between.
        self.history.clear()

    def undo(self) -> None:
        """From the first line: the library looks for the cursor before it has put it where it was, and it may be beyond the end."""
        before, length = self.selection, len(self.text)
        self.selection = Selection.cursor((0, 0))
        super().undo()
        if len(self.text) == length:
            self.selection = before

    def _put(self, edit: Edit) -> None:
        text = self.text
        first, last = row_and_column(text, edit.at), row_and_column(text, edit.at + edit.removed)
        self.replace(edit.inserted, first, last, maintain_selection_offset=False)

    def _select(self, start: int, end: int) -> None:
        text = self.text
        self.selection = Selection(row_and_column(text, start), row_and_column(text, end))

    @property
    def place(self) -> int:
        """Where the cursor is, in characters."""
        return place_of(self.text, *self.selection.end)

    @property
    def selection_start(self) -> int:
        """Where the selection begins."""
        return place_of(self.text, *self.selection.start)

    # ── others' cursors ────────────────────────────────────────────────────────────────────────────────────────────

    def show_cursors(self, people: Iterable[Participant]) -> None:
        """Where the others are."""
        self.people = list(people)
        self._mark()

    def _mark(self) -> None:
        marks: dict[int, list[tuple[int, str]]] = {}
        text = self.text
        for one in self.people:
            if one.here and not one.is_self and one.cursor is not None:
                row, column = row_and_column(text, one.cursor)
                marks.setdefault(row, []).append((column, COLORS[one.color % len(COLORS)]))
        if marks != self._marks:
            self._marks = marks
            self._line_cache.clear()
            self.refresh()

    def _follow_marks(self, edits: list[Edit]) -> None:
        """Until they say where they are now, their cursors move with the text."""
        for edit in edits:
            self.people = [
                one.model_copy(update={"cursor": moved(one.cursor, edit)}) if one.cursor is not None else one
                for one in self.people
            ]
        self._mark()

    def get_line(self, line_index: int) -> Text:
        """A line as it is shown: nothing in it steers the terminal, and others' cursors are marked."""
        line = Text("".join(map(_harmless, self.document.get_line(line_index))), end="", no_wrap=True)
        for column, color in self._marks.get(line_index, ()):
            if column >= len(line):
                line.append(" " * (column + 1 - len(line)))
            line.stylize(Style(color=color, reverse=True, underline=True), column, column + 1)
        return line


def _harmless(character: str) -> str:
    """One character that only looks: what would steer the terminal or turn the direction is a dot."""
    return "·" if character != "\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") else character
