"""A log that follows its end without scrolling, and stands still as soon as a reader scrolls.

Only shown rows are drawn. While it follows, new lines cost one repaint a flush; when a reader has left the end, lines
that come are counted in the border, and End goes back to following.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chorus_tui.widgets.plain import plain

STYLES = {
    "info": Style(),
    "warning": Style(color="yellow"),
    "error": Style(color="red", bold=True),
    "dim": Style(dim=True),
    "step": Style(color="cyan", bold=True),
}


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
        self._empty = empty
        self._lines: deque[tuple[str, str]] = deque(maxlen=capacity)
        self._shown: list[tuple[str, str]] = []
        self._filter = ""
        self._new = 0
        self.following = True

    # ── content ────────────────────────────────────────────────────────────────────────────────────────────────────

    def extend(self, lines: Iterable[tuple[str, str]]) -> None:
        """Add lines; the caller batches them."""
        fresh = list(lines)
        if not fresh:
            return
        self._lines.extend(fresh)
        if self.following:
            self._relist()
        else:
            self._new += sum(self._fits(line) for line in fresh)
            self._tell()
        self.refresh()

    def replace(self, lines: Iterable[tuple[str, str]]) -> None:
        """Show these instead, from the end."""
        self._lines.clear()
        self._lines.extend(lines)
        self.action_follow()

    def set_filter(self, text: str) -> None:
        """Show only lines that hold ``text``, whatever the case."""
        self._filter = text.casefold()
        self.action_follow()

    def _fits(self, line: tuple[str, str]) -> bool:
        return not self._filter or self._filter in line[1].casefold()

    def _relist(self) -> None:
        self._shown = [line for line in self._lines if self._fits(line)] if self._filter else list(self._lines)

    def _tell(self) -> None:
        parts = [
            f"filter: {self._filter}" if self._filter else "",
            f"+{self._new} new, End to follow" if self._new else "",
        ]
        self.border_subtitle = " · ".join(part for part in parts if part)

    # ── scrolling ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _freeze(self) -> None:
        if self.following:
            self.following = False
            self._relist()
            self.virtual_size = Size(self.size.width, len(self._shown))
            self.scroll_end(animate=False, immediate=True)
            self.call_after_refresh(self._tell)

    def action_follow(self) -> None:
        """Go to the end and follow."""
        self.following, self._new = True, 0
        self._relist()
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

    # ── drawing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, height = self.size.width, self.size.height
        base = self.rich_style
        if not self._shown:
            text = self._empty if y == 0 else ""
            return Strip([Segment(text[:width], base + STYLES["dim"])]).adjust_cell_length(width, base)
        first = max(0, len(self._shown) - height) if self.following else self.scroll_offset.y
        index = first + y
        if index >= len(self._shown):
            return Strip.blank(width, base)
        level, text = self._shown[index]
        strip = Strip([Segment(plain(text, limit=max(width, 1)), base + STYLES.get(level, STYLES["info"]))])
        return strip.adjust_cell_length(width, base)
