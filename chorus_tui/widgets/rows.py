"""A table of rows that have an id each: laid out in order, drawn anew only where something changed, the cursor kept on its row.

Columns have fixed widths, since a table that measures its cells draws new rows at the old widths for a moment; what the terminal has
more goes to the columns of words.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from rich.text import Text
from textual import events
from textual.widgets import DataTable

Cells = Sequence[Text]


class Rows(DataTable[Text]):
    """``stretch`` are the indexes of the columns that take what is left of the width, ``right`` of those whose cells stand right."""

    DEFAULT_CSS = """
    Rows { border-subtitle-color: $warning; }
    """

    def __init__(
        self,
        names: Sequence[str],
        widths: Sequence[int],
        stretch: Sequence[int],
        *,
        id: str,  # noqa: A002 - Textual's name
        right: Container[int] = (),
    ) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self._names, self._least, self._stretch = names, widths, stretch
        self._laid: list[tuple[str, Cells]] = []
        self._hidden = 0
        self.enter: Callable[[], None] | None = None
        """What enter does on a row, where it opens a box. A message would come after keys that were typed right behind it."""
        for index, (name, width) in enumerate(zip(names, widths, strict=True)):
            self.add_column(Text(name, justify="right" if index in right else None), key=name, width=width)

    # ── which row ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def chosen(self) -> str:
        """The id of the row under the cursor; empty when there is none."""
        if not self.row_count:
            return ""
        return str(self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value)

    def choose(self, key: str) -> bool:
        """Bring the cursor to a row; false when it is not there."""
        if key not in self.rows:
            return False
        self.move_cursor(row=self.get_row_index(key), animate=False)
        return True

    def action_select_cursor(self) -> None:
        """Enter."""
        if self.enter is not None and self.row_count:
            self.enter()
        else:
            super().action_select_cursor()

    # ── what is shown ──────────────────────────────────────────────────────────────────────────────────────────────

    def lay_out(self, rows: Sequence[tuple[str, Cells]], hidden: int, beyond: str = "") -> None:
        """Show these, by id, in this order; ``hidden`` more do not fit the filter; ``beyond`` says where those are that
        were left out."""
        same = [key for key, _ in rows] == [key for key, _ in self._laid]
        self._laid, self._hidden = list(rows), hidden
        if same:
            for key, cells in rows:
                self.tell(key, cells)
        else:
            self._build()
        parts = (f"{hidden} hidden by the filter" if hidden else "", beyond)
        self.border_subtitle = " · ".join(part for part in parts if part)

    def tell(self, key: str, cells: Cells) -> None:
        """New cells of one row; what is as it was is left alone."""
        for name, cell in zip(self._names, cells, strict=True):
            if self.get_cell(key, name) != cell:
                self.update_cell(key, name, cell)

    def _build(self) -> None:
        at = self.chosen
        with self.app.batch_update():
            self.clear()
            for key, cells in self._laid:
                self.add_row(*cells, key=key)
            self.choose(at)

    def on_mount(self) -> None:
        """A scrollbar that comes with the rows takes its columns from the words, and covers none of them."""
        self.watch(self, "show_vertical_scrollbar", self._fit, init=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Words get what there is."""
        self._fit()

    def _fit(self) -> None:
        paddings = 2 * self.cell_padding * len(self._names)
        left = max(0, self.scrollable_content_region.width - sum(self._least) - paddings)
        widths = list(self._least)
        for n, index in enumerate(self._stretch):
            widths[index] += left // len(self._stretch) + (left % len(self._stretch) if n == 0 else 0)
        columns = list(self.columns.values())
        if widths != [column.width for column in columns]:
            for column, width in zip(columns, widths, strict=True):
                column.width = width
            self._build()
