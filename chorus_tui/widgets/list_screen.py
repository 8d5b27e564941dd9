"""A screen whose heart is a list of rows of the store: what is common to all of them is done here, once.

Filter, order, cursor and the words for an empty, a loading and a failing list are the same on every such screen.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar, Generic, TypeVar

from chorus_tui.commands.twins import line as twin
from chorus_tui.store import BY_TOPIC, MOST_ROWS
from chorus_tui.widgets.portal_screen import PortalScreen
from chorus_tui.widgets.rows import Cells, Rows

Row = TypeVar("Row")


class ListScreen(PortalScreen, Generic[Row]):
    """Subclasses say what a row is: its words for the filter, its rank, its cells."""

    TOPIC: ClassVar[str]
    """The topic of the store that has the rows."""
    ALSO: ClassVar[frozenset[str]] = frozenset()
    """Other topics that change how rows look."""
    ROWS: ClassVar[str]
    """Id of the table."""
    COLUMNS: ClassVar[tuple[str, ...]]
    WIDTHS: ClassVar[tuple[int, ...]]
    STRETCH: ClassVar[tuple[int, ...]] = ()
    RIGHT: ClassVar[tuple[int, ...]] = ()
    """Indexes of the columns whose cells stand right: their names do, too."""

    def table(self) -> Rows:
        """The table, made once."""
        return Rows(self.COLUMNS, self.WIDTHS, self.STRETCH, id=self.ROWS, right=self.RIGHT)

    @property
    def rows(self) -> Rows:
        """The table."""
        return self.query_one(f"#{self.ROWS}", Rows)

    # ── what a row is ──────────────────────────────────────────────────────────────────────────────────────────────

    def words(self, row: Row) -> str:
        """All that the filter looks at."""
        raise NotImplementedError

    def rank(self, row: Row) -> Any:
        """What rows are sorted by."""
        raise NotImplementedError

    def cells(self, row: Row, now: float) -> Cells:
        """A line of the table."""
        raise NotImplementedError

    # ── the list ───────────────────────────────────────────────────────────────────────────────────────────────────

    def changed(self, topics: set[str]) -> None:
        """The list anew when its rows changed, then whatever shows them."""
        if topics & {self.TOPIC, *self.ALSO}:
            self.lay_out()
            self.after_layout(topics)

    def after_layout(self, topics: set[str]) -> None:
        """The list is as it is now; show what follows its cursor."""

    def lay_out(self) -> None:
        """Rows that fit the filter, in order."""
        now, rows = time.time(), self.store.rows[self.TOPIC]
        fitting = {key: row for key, row in rows.items() if self.fits(self.words(row))}
        ordered = sorted(fitting.items(), key=lambda item: self.rank(item[1]))
        before = self.rows.row_count
        shown = [(key, self.cells(row, now)) for key, row in ordered]
        operation = BY_TOPIC[self.TOPIC].operation
        beyond = f"{MOST_ROWS} are shown, all: {twin(operation)}" if self.TOPIC in self.store.cut else ""
        self.rows.lay_out(shown, len(rows) - len(fitting), beyond)
        if bool(before) != bool(ordered):
            self.refresh_bindings()  # keys come and go with what they are for
        self.tell_hidden(len(rows) - len(fitting), len(rows))

    def filtered(self, _text: str) -> None:
        """Live."""
        self.changed({self.TOPIC})

    def selected(self) -> Row | None:
        """The row under the cursor."""
        row: Row | None = self.store.rows[self.TOPIC].get(self.rows.chosen)
        return row

    def focus_main(self) -> None:
        """The list."""
        self.rows.focus()

    def grow_older(self) -> None:
        """Times go on without anything that happens."""
        if not self.is_current:
            return
        now, table = time.time(), self.rows
        for key, row in self.store.rows[self.TOPIC].items():
            if key in table.rows:
                table.tell(key, self.cells(row, now))
