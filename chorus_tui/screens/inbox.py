"""Inbox: whatever waits for this person, answered from here once, wherever it came from."""

from __future__ import annotations

import time
from typing import Any

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from chorus_tui.contract.models.inbox import AnswerItem, InboxItem, pressing
from chorus_tui.telling.inbox import KINDS, left, wanted
from chorus_tui.widgets.answer import AnswerBox, Answered
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.list_screen import ListScreen
from chorus_tui.widgets.plain import ago, plain
from chorus_tui.widgets.portal_screen import Thing

SIGNS = {"urgent": "!!", "high": "!", "medium": "", "low": ""}
EMPTY = (
    "Nothing waits for you.\n\nTasks that need your approval, votes you have not given, discussions that are stuck and need a person, "
    "and questions to your role come here. A ✉ in the top line of every screen tells you."
)
PLACES = {"approval": "tasks", "help": "tasks", "vote": "decide", "review": "patch", "apply": "patch"}
"""Where a kind is shown in full."""
AGE_S = 1.0


class InboxScreen(ListScreen[InboxItem]):
    """A table, the most pressing first, and all that is known of the item under the cursor."""

    NAME = "inbox"
    CSS_PATH = "inbox.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("enter,a", "answer", "Answer", key_display="enter", id="inbox.answer", tooltip="Answer what is under the cursor"),
        Binding("o", "open", "Open", id="inbox.open", tooltip="Go where it comes from"),
    ]  # fmt: skip
    TWINS = {"answer": "inbox.answer"}  # noqa: RUF012 - as above
    TOPIC, ROWS = "inbox", "items"
    NEEDS = frozenset({"answer", "open"})
    COLUMNS = ("kind", "about", "wanted of you", "waits", "ends in")
    WIDTHS = (14, 18, 22, 6, 7)
    STRETCH = (1, 2)
    RIGHT = (3, 4)

    def body(self) -> ComposeResult:
        yield self.table()
        with VerticalScroll(id="item"):
            yield Static(id="item-text", markup=False)

    def on_mount(self) -> None:
        """What is left to wait is counted down."""
        self.query_one("#item").border_title = "item"
        self.rows.enter = self.action_answer
        self.focus_main()
        self.set_interval(AGE_S, self.grow_older)

    def words(self, row: InboxItem) -> str:
        return f"{KINDS[row.kind]} {row.title} {row.purpose} {row.asked_by_name} {row.item_id}"

    def rank(self, row: InboxItem) -> Any:
        return pressing(row, time.time())

    def cells(self, row: InboxItem, now: float) -> tuple[Text, ...]:
        return line(row, now)

    def after_layout(self, _topics: set[str]) -> None:
        self._show_detail()

    def thing(self) -> Thing | None:
        item = self.selected()
        return Thing(item.item_id, "inbox.list", {"item_id": item.item_id}) if item is not None else None

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        self._show_detail()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """A click on the row under the cursor."""
        self.action_answer()

    def _show_detail(self) -> None:
        item = self.selected()
        if item is not None:
            shown: RenderableType = detail(item)
        else:
            shown = Text(self.nothing("inbox", EMPTY))
        self.query_one("#item-text", Static).update(shown)

    # ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_answer(self) -> None:
        """Ask for the answer, and bring it to where it counts."""
        item = self.selected()
        if item is None:
            return

        def make(answer: Answered) -> AnswerItem:
            return AnswerItem(item_id=item.item_id, choice=answer.choice, text=answer.words, version=item.version)

        def done(request: AnswerItem) -> str:
            return f"Answered: {request.choice or 'in words'}"

        box = AnswerBox(item.title, item.purpose, item.choices, item.words, item.command, make=make)
        self.app.ask_and_do(box, "inbox.answer", done)  # type: ignore[attr-defined]

    async def action_open(self) -> None:
        """Go to the screen that shows it in full."""
        item = self.selected()
        place = PLACES.get(item.kind) if item is not None else None
        if place is not None:
            await self.app.run_action(f"show('{place}')")
        elif item is not None:
            self.notify(f"See it with: {item.command}", markup=False)


def line(item: InboxItem, now: float) -> tuple[Text, ...]:
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
