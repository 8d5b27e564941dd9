"""Two texts side by side, what differs in colours and signs; long runs of equal lines are folded away."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chorus_tui.widgets.plain import plain

CONTEXT = 3
"""Equal lines shown on both sides of a change."""
MOST_LINES = 4_000
"""Of each text; comparing takes time with the product of both."""

Kind = Literal["same", "changed", "added", "removed", "folded"]
STYLES: dict[Kind, tuple[Style, Style]] = {
    "same": (Style(), Style()),
    "changed": (Style(color="red"), Style(color="green")),
    "removed": (Style(color="red"), Style()),
    "added": (Style(), Style(color="green")),
    "folded": (Style(dim=True), Style(dim=True)),
}
SIGNS: dict[Kind, tuple[str, str]] = {
    "same": (" ", " "), "changed": ("-", "+"), "removed": ("-", " "), "added": (" ", "+"), "folded": ("·", "·"),
}  # fmt: skip
GOES_ON = "…"
"""The sign of a row that goes on with the line above: it is no line of its own."""
Row = tuple[Kind, tuple[str, str], str, str]
"""Kind, signs and words of both sides."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A line of each side; None where a side has none."""

    kind: Kind
    left: str | None
    right: str | None


def paired(before: str, after: str) -> list[Pair]:
    """Both texts line by line, the first :data:`MOST_LINES` of each."""
    one, other = before.splitlines()[:MOST_LINES], after.splitlines()[:MOST_LINES]
    found: list[Pair] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, one, other).get_opcodes():
        if tag == "equal":
            ends = (a == 0, b == len(one))
            found += _folded([Pair("same", line, line) for line in one[a:b]], *ends)
            continue
        for left, right in zip_longest(one[a:b], other[c:d]):
            kind: Kind = "added" if left is None else "removed" if right is None else "changed"
            found.append(Pair(kind, left, right))
    return found


def _folded(run: list[Pair], first: bool, last: bool) -> list[Pair]:
    """A run of equal lines without its middle."""
    head, tail = 0 if first else CONTEXT, 0 if last else CONTEXT
    hidden = len(run) - head - tail
    if hidden <= 2:
        return run
    words = f"{hidden} equal lines"
    return [*run[:head], Pair("folded", words, words), *run[len(run) - tail :]]


def half(width: int) -> int:
    """Columns of each side's words, of ``width`` without the scrollbar: signs, a rule and blanks take the rest."""
    return max(4, (width - 3) // 2 - 2)


def heading(left: str, right: str, width: int) -> str:
    """Names above the two sides, the rule where theirs is; what is too long is cut."""
    room = half(width) + 1
    return " │ ".join((set_cell_size(_cut(left, room), room), _cut(right, room)))


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


class SideBySide(ScrollView, can_focus=True):
    """``before`` left, ``after`` right. ``n`` and ``p`` go from change to change."""

    DEFAULT_CSS = "SideBySide { height: 1fr; overflow-x: hidden; overflow-y: scroll; }"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("n", "change(1)", "Next change", id="diff.next", tooltip="Go to the next change"),
        Binding("p", "change(-1)", "Previous", id="diff.previous", tooltip="Go to the change before"),
        Binding("g", "scroll_home", "First line", show=False, id="diff.first", tooltip="Go to the first line"),
        Binding("G", "scroll_end", "Last line", show=False, id="diff.last", tooltip="Go to the last line"),
    ]

    def __init__(self, before: str, after: str) -> None:
        super().__init__(id="diff")
        self._pairs = paired(before, after)
        self._rows: list[Row] = []
        self._changes: list[int] = []
        self._half = 0

    def on_resize(self, _event: events.Resize) -> None:
        """Fold anew, once it is known how much the scrollbar leaves."""
        self.call_after_refresh(self._fold)

    def _fold(self) -> None:
        # The size counts the scrollbar in.
        self._half = half(self.scrollable_content_region.width)
        self._rows, self._changes, before = [], [], "same"
        for pair in self._pairs:
            if pair.kind not in ("same", "folded") and before in ("same", "folded"):
                self._changes.append(len(self._rows))
            before = pair.kind
            self._rows += _rows(pair, self._half)
        self.virtual_size = Size(self.size.width, len(self._rows))
        self.refresh()

    def action_change(self, step: int) -> None:
        """To the next or the last change; nowhere when there is none."""
        here = round(self.scroll_offset.y)
        further = [row for row in self._changes if (row > here if step > 0 else row < here)]
        if further:
            self.scroll_to(y=further[0] if step > 0 else further[-1], animate=False)

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, base, index = self.size.width, self.rich_style, self.scroll_offset.y + y
        if index >= len(self._rows):
            return Strip.blank(width, base)
        kind, signs, left, right = self._rows[index]
        wide = self._half
        styles = STYLES[kind]
        return Strip([
            Segment(f"{signs[0]} {_filled(left, wide)}", base + styles[0]), Segment(" │ ", base + Style(dim=True)),
            Segment(f"{signs[1]} {_filled(right, wide)}", base + styles[1]),
        ]).adjust_cell_length(width, base)  # fmt: skip


def _rows(pair: Pair, width: int) -> Iterator[Row]:
    """What is too long for a side goes on in rows that say so; beside them a side that has no more has no sign."""
    left = chop_cells(plain(pair.left), width) if pair.left else [""]
    right = chop_cells(plain(pair.right), width) if pair.right else [""]
    for n, (one, other) in enumerate(zip_longest(left, right, fillvalue="")):
        signs = SIGNS[pair.kind] if n == 0 else (GOES_ON if n < len(left) else " ", GOES_ON if n < len(right) else " ")
        yield pair.kind, signs, one, other


def _filled(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
