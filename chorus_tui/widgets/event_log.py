"""A log that follows its end without scrolling, and stands still as soon as a reader scrolls or selects.

Only shown rows are drawn. While it follows, new lines cost one repaint a flush; when a reader has left the end, lines
that come are counted in the border, and End goes back to following. Lines are made harmless and cut when they come, so that what is
held is bounded in lines and in each line.

A line that is wider than the log is cut, and the keys to the sides move all lines; or lines are folded, and rows are parts of lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from chorus_tui.widgets.plain import plain

STYLES = {
    "info": Style(),
    "warning": Style(color="yellow"),
    "error": Style(color="red", bold=True),
    "dim": Style(dim=True),
    "step": Style(color="cyan", bold=True),
}
MOST_CHARACTERS = 600
"""Of a line; a log is read line by line, whole texts have places of their own."""

MORE = "…"
"""At the end of a line that is wider than the log."""

SIDEWAYS = 8
"""Columns that a key to the side moves."""

Line = tuple[str, str]
"""Level and text."""
Row = tuple[int, int, str]
"""A row of the screen: the number of its line, where in the line it begins, and its text."""


class EventLog(ScrollView, can_focus=True):
    """Lines of (level, text), bounded."""

    DEFAULT_CSS = """
    EventLog { height: 1fr; border: round $panel; border-title-color: $text-muted; border-subtitle-color: $warning; }
    EventLog:focus { border: round $accent; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("end,G", "follow", "Follow", show=False, id="log.follow", tooltip="Go to the end and follow"),
        Binding("home,g", "first", "First line", show=False, id="log.first", tooltip="Go to the first line"),
        Binding("z", "fold", "Fold", show=False, id="log.fold", tooltip="Fold lines that are too wide, or cut them"),
        Binding("left", "scroll_left", "Left", show=False, id="log.left", tooltip="To the beginning of cut lines"),
        Binding("right", "scroll_right", "Right", show=False, id="log.right", tooltip="To the end of cut lines"),
    ]

    def __init__(self, title: str, *, capacity: int = 5000, empty: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.border_title = title
        self.empty = empty
        self._lines: deque[Line] = deque(maxlen=capacity)
        self._shown: list[Line] | deque[Line] = self._lines
        self._filter = ""
        self._new = 0
        self.following = True
        self.folds = False
        """Lines that are too wide go on in the next row."""
        self._column = 0
        """Where cut lines begin."""
        self._base = Style()
        self._folded: list[Row] = []
        """All rows while it stands still; those that are seen while it follows."""

    # ── content ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def held(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @property
    def hidden(self) -> int:
        """How many of them the filter hides."""
        if not self._filter:
            return 0
        # While it follows, what is shown is all that fits: a count of some thousand lines at each key is a pause between keys.
        return len(self._lines) - (len(self._shown) if self.following else sum(map(self._fits, self._lines)))

    def extend(self, lines: Iterable[Line]) -> None:
        """Add lines; the caller batches them."""
        fresh = [(level, plain(text, limit=MOST_CHARACTERS)) for level, text in lines]
        if not fresh:
            return
        if self.following:
            if self._filter and isinstance(self._shown, list):
                too_many = len(self._lines) + len(fresh) - (self._lines.maxlen or 0)
                del self._shown[: sum(map(self._fits, islice(self._lines, max(0, too_many))))]
                self._shown += filter(self._fits, fresh[-(self._lines.maxlen or 0) :])
            self._lines.extend(fresh)
        else:
            if self._shown is self._lines:
                self._shown = list(self._lines)
            self._lines.extend(fresh)
            self._new += sum(map(self._fits, fresh))
            self._tell()
        self.refresh()

    def replace(self, lines: Iterable[Line]) -> None:
        """Show these instead, from the end."""
        self._lines.clear()
        self._lines.extend((level, plain(text, limit=MOST_CHARACTERS)) for level, text in lines)
        self._column = 0
        self.action_follow()

    def set_filter(self, text: str) -> None:
        """Show only lines that hold ``text``, whatever the case."""
        before, self._filter = self._filter, text.casefold()
        # What did not fit the shorter words fits none that hold them.
        narrower = self.following and bool(before) and before in self._filter
        self._go_to_end(self._shown if narrower else self._lines)

    def _fits(self, line: Line) -> bool:
        return not self._filter or self._filter in line[1].casefold()

    def _tell(self) -> None:
        parts = [
            f"{self.hidden} hidden by the filter" if self._filter else "",
            f"+{self._new} new, End to follow"
            if self._new
            else ""
            if self.following
            else "stands still, End to follow",
            f"from column {self._column + 1}" if self._column else "",
        ]
        self.border_subtitle = " · ".join(part for part in parts if part)

    # ── following and standing still ───────────────────────────────────────────────────────────────────────────────

    def _freeze(self) -> None:
        if self.following:
            self.following = False
            self._shown = list(self._shown)
            self._lay_out()
            self.scroll_end(animate=False, immediate=True)
            self.call_after_refresh(self._tell)

    def action_follow(self) -> None:
        """Go to the end and follow."""
        self._go_to_end(self._lines)

    def _go_to_end(self, among: Iterable[Line]) -> None:
        self.following, self._new = True, 0
        words = self._filter
        self._shown = [line for line in among if words in line[1].casefold()] if words else self._lines
        self.virtual_size = Size(self.size.width, 0)
        self.scroll_to(y=0, animate=False, immediate=True)
        self._tell()
        self.refresh()

    def _lay_out(self) -> None:
        """Rows to scroll through, while it stands still."""
        self._folded = list(self._fold(0)) if self.folds else []
        self.virtual_size = Size(self.size.width, len(self._folded) if self.folds else len(self._shown))

    def on_resize(self, _event: events.Resize) -> None:
        """Fold anew."""
        if self.folds and not self.following:
            self._keep_place()

    def _keep_place(self) -> None:
        """The line that was the first one seen still is."""
        y = int(self.scroll_offset.y)
        line = self._folded[y][0] if y < len(self._folded) else y
        self._lay_out()
        at = next((n for n, row in enumerate(self._folded) if row[0] == line), 0) if self.folds else line
        self.scroll_to(y=at, animate=False, immediate=True)
        self.refresh()

    # ── lines that are too wide ────────────────────────────────────────────────────────────────────────────────────

    def action_fold(self) -> None:
        """Fold lines, or cut them."""
        self.folds, self._column = not self.folds, 0
        if self.following:
            self._folded = []
            self.refresh()
        else:
            self._keep_place()
        self._tell()

    def action_scroll_left(self) -> None:
        self._to_column(self._column - SIDEWAYS)

    def action_scroll_right(self) -> None:
        self._to_column(self._column + SIDEWAYS)

    def _to_column(self, column: int) -> None:
        """As far as the widest line goes; folded lines stay where they are."""
        widest = max((cell_len(text) for _, text in self._shown), default=0)
        most = 0 if self.folds else max(0, widest - self.size.width + 1)
        self._column = max(0, min(column, most))
        self._tell()
        self.refresh()

    def _fold(self, first: int) -> Iterator[Row]:
        """The rows of the lines from the one of this number on."""
        # While it stands still there may be a scrollbar, whose place is kept free from the beginning.
        beside = 0 if self.following else self.styles.scrollbar_size_vertical
        width = max(1, self.content_region.width - beside)
        for index, (_, text) in enumerate(islice(self._shown, first, None), first):
            start = 0
            for part in chop_cells(text, width) or [""]:
                yield index, start, part
                start += len(part)

    def action_first(self) -> None:
        """Go to the first line."""
        self._freeze()
        self.scroll_home(animate=False)

    def action_scroll_up(self) -> None:
        self._freeze()
        super().action_scroll_up()

    def action_page_up(self) -> None:
        self._freeze()
        super().action_page_up()

    def action_scroll_home(self) -> None:
        self.action_first()

    def action_scroll_end(self) -> None:
        self.action_follow()

    def action_scroll_down(self) -> None:
        super().action_scroll_down()
        self._follow_at_end()

    def action_page_down(self) -> None:
        super().action_page_down()
        self._follow_at_end()

    def _follow_at_end(self) -> None:
        if not self.following and self.scroll_target_y >= self.max_scroll_y:
            self.action_follow()

    def _on_mouse_scroll_up(self, _event: object) -> None:
        self._freeze()
        self.scroll_relative(y=-3, animate=False)

    def _on_mouse_scroll_down(self, _event: object) -> None:
        if not self.following:
            self.scroll_relative(y=3, animate=False)
            self._follow_at_end()

    # ── selecting by mouse ─────────────────────────────────────────────────────────────────────────────────────────

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The lines that are selected, as they are shown."""
        return selection.extract("\n".join(text for _, text in self._shown)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """What is being selected must not move away."""
        if selection is not None:
            self._freeze()
        self.refresh()

    # ── drawing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows; while it follows, the last ones that there are now are folded once for all of them, and so is the style looked up."""
        self._base = self.rich_style
        if self.folds and self.following:
            height = self.size.height
            self._folded = list(self._fold(max(0, len(self._shown) - height)))[-height:]
        return super().render_lines(crop)

    def _row(self, y: int) -> Row | None:
        """What a row of the screen shows."""
        if self.folds:
            n = y if self.following else self.scroll_offset.y + y
            return self._folded[n] if n < len(self._folded) else None
        first = max(0, len(self._shown) - self.size.height) if self.following else self.scroll_offset.y
        return (first + y, 0, self._shown[first + y][1]) if first + y < len(self._shown) else None

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, base = self.size.width, self._base
        if not self._shown:
            text = ("Nothing fits the filter." if self._filter and self._lines else self.empty) if y == 0 else ""
            return Strip([Segment(text[:width], base + STYLES["dim"])]).adjust_cell_length(width, base)
        row = self._row(y)
        if row is None:
            return Strip.blank(width, base)
        index, start, text = row
        style = base + STYLES.get(self._shown[index][0], STYLES["info"])
        strip = Strip(self._segments(index, start, text, style), cell_len(text))
        if self._column:
            strip = strip.crop(self._column, max(self._column, strip.cell_length))
            strip = Strip([Segment(MORE, style), *strip.crop(1, None)]) if text else strip
        if strip.cell_length > width:
            strip = Strip([*strip.crop(0, width - 1), Segment(MORE, style)])
        return strip.adjust_cell_length(width, base).apply_offsets(start + self._column, index)

    def _segments(self, index: int, begins: int, text: str, style: Style) -> list[Segment]:
        """A row of a line, the part that is selected in the colours of a selection."""
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        if span is None:
            return [Segment(text, style)]
        start, end = max(0, span[0] - begins), len(text) if span[1] == -1 else max(0, span[1] - begins)
        chosen = style + self.screen.get_component_rich_style("screen--selection")
        return [Segment(text[:start], style), Segment(text[start:end], chosen), Segment(text[end:], style)]
