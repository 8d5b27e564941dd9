"""Inbox: whatever waits for this person, answered from here once, wherever it came from."""

from __future__ import annotations

import time

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from chorus_tui.contract.models.inbox import AnswerItem, InboxItem, pressing
from chorus_tui.telling.inbox import KINDS, left, wanted
from chorus_tui.widgets.answer import AnswerBox
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import ago, plain
from chorus_tui.widgets.portal_screen import PortalScreen

COLUMNS = ("kind", "about", "wanted of you", "waits", "ends in")
WIDTHS = (14, 18, 23, 6, 7)
"""On 80 columns; what a wider terminal has more goes to the two in words."""
SIGNS = {"urgent": "!!", "high": "!", "medium": "", "low": ""}
EMPTY = (
    "Nothing waits for you.\n\nHere come tasks that need your approval, votes you have not given, discussions that got stuck and "
    "need a person, and questions to your role. A ✉ in the head line of every screen tells you."
)
PLACES = {"approval": "tasks", "help": "tasks"}
"""Where a kind is shown in full."""
AGE_S = 1.0


class InboxScreen(PortalScreen):
    """A table, the most pressing first, and all that is known of the item under the cursor."""

    NAME = "inbox"
    CSS_PATH = "inbox.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("enter,a", "answer", "Answer", key_display="enter", id="inbox.answer", tooltip="Answer what is under the cursor"),
        Binding("o", "open", "Open", id="inbox.open", tooltip="Go where it comes from"),
        Binding("y", "copy", "Copy id", id="inbox.copy", tooltip="Copy the id under the cursor"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""

    def body(self) -> ComposeResult:
        yield DataTable(id="items", cursor_type="row", zebra_stripes=False)
        with VerticalScroll(id="item", can_focus=False):
            yield Static(id="item-text", markup=False)

    def on_mount(self) -> None:
        """Columns of fixed width; what is left to wait is counted down."""
        items = self.query_one(DataTable)
        for name, width in zip(COLUMNS, WIDTHS, strict=True):
            items.add_column(name, key=name, width=width)
        self.query_one("#item").border_title = "item"
        items.focus()
        self.set_interval(AGE_S, self._grow_older)

    def on_resize(self, event: events.Resize) -> None:
        """The words get what there is."""
        more = max(0, event.size.width - 80)
        columns = list(self.query_one(DataTable).columns.values())
        for column, width in zip(columns[1:3], (WIDTHS[1] + more // 3, WIDTHS[2] + more - more // 3), strict=False):
            column.width = width
        self.changed({"inbox"})

    def changed(self, topics: set[str]) -> None:
        if "inbox" not in topics:
            return
        items = self.query_one(DataTable)
        chosen = self._selected()
        items.clear()
        for item in self._shown():
            items.add_row(*row(item, time.time()), key=item.item_id)
        if chosen is not None and chosen.item_id in items.rows:
            items.move_cursor(row=items.get_row_index(chosen.item_id))
        self._show_detail()

    def _shown(self) -> list[InboxItem]:
        now = time.time()
        fitting = [item for item in self.store.inbox.values() if self._fits(item)]
        return sorted(fitting, key=lambda item: pressing(item, now))

    def _fits(self, item: InboxItem) -> bool:
        return (
            self._filter
            in f"{KINDS[item.kind]} {item.title} {item.purpose} {item.asked_by_name} {item.item_id}".casefold()
        )

    def _grow_older(self) -> None:
        if not self.is_current:
            return
        items, now = self.query_one(DataTable), time.time()
        for item in self.store.inbox.values():
            if item.item_id in items.rows:
                for name, cell in zip(COLUMNS[3:], row(item, now)[3:], strict=True):
                    if items.get_cell(item.item_id, name) != cell:
                        items.update_cell(item.item_id, name, cell)

    def filtered(self, text: str) -> None:
        self._filter = text.casefold()
        self.changed({"inbox"})

    def focus_main(self) -> None:
        self.query_one(DataTable).focus()

    def _selected(self) -> InboxItem | None:
        items = self.query_one(DataTable)
        if not items.row_count:
            return None
        key = items.coordinate_to_cell_key(items.cursor_coordinate).row_key.value
        return self.store.inbox.get(str(key))

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        self._show_detail()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Enter on a row; the table takes that key for itself."""
        self.action_answer()

    def _show_detail(self) -> None:
        item = self._selected()
        if item is not None:
            shown: RenderableType = detail(item)
        elif not self.store.loaded:
            shown = Text("Waiting for the engine …")
        else:
            shown = Text("Nothing fits the filter." if self._filter and self.store.inbox else EMPTY)
        self.query_one("#item-text", Static).update(shown)

    # ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_answer(self) -> None:
        """Ask for the answer, and bring it to where it counts."""
        item = self._selected()
        if item is None:
            return

        def give(answer: tuple[str, str] | None) -> None:
            if answer is not None:
                choice, text = answer
                request = AnswerItem(item_id=item.item_id, choice=choice, text=text)
                self.app.ask_engine("inbox.answer", request, f"Answered: {choice or 'in words'}")  # type: ignore[attr-defined]

        box = AnswerBox(item.title, item.purpose, item.choices, item.words, item.command)
        self.app.push_screen(box, give)

    async def action_open(self) -> None:
        """Go to the screen that shows it in full."""
        item = self._selected()
        place = PLACES.get(item.kind) if item is not None else None
        if place is not None:
            await self.app.run_action(f"show('{place}')")
        elif item is not None:
            self.notify(f"See it with: {item.command}", markup=False)

    def action_copy(self) -> None:
        """Copy the item's id."""
        item = self._selected()
        if item is not None:
            self.app.copy_to_clipboard(item.item_id)
            self.notify(f"Copied {item.item_id}", markup=False)


def row(item: InboxItem, now: float) -> tuple[Text, ...]:
    """One line of the table."""
    rest = left(item, now)
    color = "bold red" if item.priority == "urgent" else "yellow" if item.priority == "high" else ""
    return (
        Text(f"{SIGNS[item.priority]:2} {KINDS[item.kind]}", style=color), Text(plain(item.title), no_wrap=True, overflow="ellipsis"),
        Text(plain(item.purpose), no_wrap=True, overflow="ellipsis"), Text(ago(now - item.since), justify="right"),
        Text("" if rest is None else ago(rest), justify="right", style="yellow" if rest is not None and rest < 60 else ""),
    )  # fmt: skip


def detail(item: InboxItem) -> RenderableType:
    """Everything known of an item."""
    return table(
        [
            ("about", plain(item.title)), ("wanted", plain(item.purpose)), ("answer", wanted(item)), ("priority", item.priority),
            ("from", plain(f"{item.asked_by_name}  {item.asked_by}".strip()) or "the mesh"), ("item", plain(item.item_id)),
            ("command", plain(item.command)),
        ]
    )  # fmt: skip
