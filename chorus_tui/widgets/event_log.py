"""A log that follows its end without scrolling, and stands still as soon as a reader scrolls or selects.

Only shown rows are drawn. While it follows, new lines cost one repaint a flush; when a reader has left the end, lines
that come are counted in the border, and End goes back to following. Lines are made harmless and cut when they come, so that what is
held is bounded in lines and in each line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.geometry import Size
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

Line = tuple[str, str]
"""Level and text."""


class EventLog(ScrollView, can_focus=True):
    """Lines of (level, text), bounded."""

    DEFAULT_CSS = """
    EventLog { height: 1fr; border: round $panel; border-title-color: $text-muted; border-subtitle-color: $warning; }
    EventLog:focus { border: round $accent; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("end,G", "follow", "Follow", show=False, id="log.follow", tooltip="Go to the end and follow"),
        Binding("home,g", "first", "First line", show=False, id="log.first", tooltip="Go to the first line"),
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

    # ── content ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def held(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    @property
    def hidden(self) -> int:
        """How many of them the filter hides."""
        return sum(not self._fits(line) for line in self._lines) if self._filter else 0

    def extend(self, lines: Iterable[Line]) -> None:
        """Add lines; the caller batches them."""
        fresh = [(level, plain(text, limit=MOST_CHARACTERS)) for level, text in lines]
        if not fresh:
            return
        if self.following:
            self._lines.extend(fresh)
            if self._filter and isinstance(self._shown, list):
                self._shown += filter(self._fits, fresh)
                del self._shown[: -(self._lines.maxlen or len(self._shown))]
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
        self.action_follow()

    def set_filter(self, text: str) -> None:
        """Show only lines that hold ``text``, whatever the case."""
        self._filter = text.casefold()
        self.action_follow()

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
        ]
        self.border_subtitle = " · ".join(part for part in parts if part)

    # ── following and standing still ───────────────────────────────────────────────────────────────────────────────

    def _freeze(self) -> None:
        if self.following:
            self.following = False
            self._shown = list(self._shown)
            self.virtual_size = Size(self.size.width, len(self._shown))
            self.scroll_end(animate=False, immediate=True)
            self.call_after_refresh(self._tell)

    def action_follow(self) -> None:
        """Go to the end and follow."""
        self.following, self._new = True, 0
        self._shown = [line for line in self._lines if self._fits(line)] if self._filter else self._lines
        self.virtual_size = Size(self.size.width, 0)
        self.scroll_to(y=0, animate=False, immediate=True)
        self._tell()
        self.refresh()

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

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, height = self.size.width, self.size.height
        base = self.rich_style
        if not self._shown:
            text = ("Nothing fits the filter." if self._filter and self._lines else self.empty) if y == 0 else ""
            return Strip([Segment(text[:width], base + STYLES["dim"])]).adjust_cell_length(width, base)
        first = max(0, len(self._shown) - height) if self.following else self.scroll_offset.y
        index = first + y
        if index >= len(self._shown):
            return Strip.blank(width, base)
        level, text = self._shown[index]
        style = base + STYLES.get(level, STYLES["info"])
        strip, cut = Strip(self._segments(index, text, style), cell_len(text)), cell_len(text) > width
        if cut:
            strip = Strip([*strip.crop(0, width - 1), Segment(MORE, style)])
        return strip.adjust_cell_length(width, base).apply_offsets(0, index)

    def _segments(self, index: int, text: str, style: Style) -> list[Segment]:
        """The line, the part that is selected in the colours of a selection."""
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        if span is None:
            return [Segment(text, style)]
        start, end = span[0], len(text) if span[1] == -1 else span[1]
        chosen = style + self.screen.get_component_rich_style("screen--selection")
        return [Segment(text[:start], style), Segment(text[start:end], chosen), Segment(text[end:], style)]
