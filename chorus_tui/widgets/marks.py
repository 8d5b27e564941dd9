"""Boxes to mark: a sign stands in the box that is marked and none in the one that is not.

Textual's own have the same sign in both, in two colours, so that without colours nobody can tell them apart.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Checkbox, SelectionList
from textual.widgets.option_list import OptionDoesNotExist

MARKED = "X"
EMPTY = " "
Value = TypeVar("Value")


class Mark(Checkbox):
    """One box."""

    def render(self) -> Content:
        """The sign follows the value."""
        self.BUTTON_INNER = MARKED if self.value else EMPTY
        return super().render()


class MarkList(SelectionList[Value], Generic[Value]):
    """A box on each line."""

    def render_line(self, y: int) -> Strip:
        """The line, its box without a sign when it is not chosen."""
        line = super().render_line(y)
        try:
            option = self.get_option_at_index(self.scroll_offset.y + y)
        except OptionDoesNotExist:
            return line
        if option.value in self.selected:
            return line
        # What stands first is drawn by Textual: the box's left side, its sign, its right side.
        left, sign, *rest = line
        return Strip([left, Segment(EMPTY, sign.style), *rest])
