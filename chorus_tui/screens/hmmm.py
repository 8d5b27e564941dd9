"""HMMM: rooms and threads left, the conversation right; escalations on top; ``n`` writes a message."""

from __future__ import annotations

import time

from pydantic import BaseModel
from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.widgets import DataTable, OptionList, Static
from textual.widgets.option_list import Option

from chorus_tui.contract.models import hmmm as models
from chorus_tui.screens.hmmm_draft import Draft
from chorus_tui.screens.hmmm_lines import above, message, row
from chorus_tui.telling import hmmm as telling
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.portal_screen import PortalScreen

COLUMNS = ("state", "thread", "room", "said", "last")
# Fixed widths: a table that measures its cells draws new rows at the old widths for a moment.
WIDTHS = (10, 20, 8, 4, 6)
NOTHING = "\nNothing was said in a room yet.\n\nPress n to ask, propose or think aloud. Agents with a model answer."
CHOOSE = "\nChoose a thread, or press n to begin one."
REFRESH_S = 1.0
WIDE, LIST_WIDTH = 100, 60
"""From so many columns on the list stands beside the conversation, and is so wide."""


class HmmmScreen(PortalScreen):
    """Threads, and what is said in the one under the cursor."""

    NAME = "hmmm"
    CSS_PATH = "hmmm.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("n", "write", "New", id="hmmm.new", tooltip="Write: reasoning, reply, query, proposal"),
        Binding("r", "reply", "Reply", id="hmmm.reply", tooltip="Reply to the message under the cursor"),
        Binding("o", "object", "Object", id="hmmm.object", tooltip="Object to the proposal under the cursor"),
        Binding("a", "agree", "Agree", id="hmmm.agree", tooltip="Agree with a proposal, or settle your objection"),
        Binding(
            "e", "escalate", "Call a person", show=False, id="hmmm.escalate", tooltip="Ask for a person in this thread"
        ),
        Binding("w", "answer", "Answer", id="hmmm.answer", tooltip="Answer what waits for a person in this thread"),
        Binding(
            "y", "copy", "Copy id", show=False, id="hmmm.copy", tooltip="Copy the id of the message under the cursor"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""
        self._key = ""
        self._view: models.ThreadView | None = None
        self._drawn: list[tuple[models.RoomLine, list[str]]] = []
        self._draft: Draft | None = None

    def body(self) -> ComposeResult:
        with Container(id="split"):
            yield DataTable(id="threads", cursor_type="row")
            with Vertical(id="talk-side"):
                yield Static(id="above", markup=False)
                yield OptionList(id="talk", markup=False)
                yield Static(id="nothing", markup=False)

    def on_mount(self) -> None:
        """Stable keys: one thread, one row."""
        threads = self.query_one(DataTable)
        for name, width in zip(COLUMNS, WIDTHS, strict=True):
            threads.add_column(name, key=name, width=width)
        threads.border_title = "rooms"
        self.query_one("#talk-side").border_title = "thread"
        threads.focus()
        self.set_interval(REFRESH_S, self._tick)

    def on_resize(self, event: events.Resize) -> None:
        """Titles get what the list has."""
        wide = event.size.width >= WIDE
        column = list(self.query_one(DataTable).columns.values())[1]
        column.width = WIDTHS[1] + (0 if wide else max(0, event.size.width - LIST_WIDTH))
        self.changed({"threads"})

    def focus_main(self) -> None:
        self.query_one(DataTable).focus()

    def filtered(self, text: str) -> None:
        self._filter = text.casefold()
        self.changed({"threads"})

    # ── threads ────────────────────────────────────────────────────────────────────────────────────────────────────

    def changed(self, topics: set[str]) -> None:
        if not topics & {"threads", "status"}:
            return
        shown = [one for one in self.store.threads.values() if self._fits(one)]
        shown.sort(key=lambda one: (not one.escalated, -one.last_at, one.key))
        self._lay_out(shown)
        if not shown:
            self._key, self._view = "", None
        self._show()
        if self._key and "threads" in topics:
            self._load()

    def _lay_out(self, shown: list[models.ThreadRow]) -> None:
        """Rows in order. Only when the order changed is the table built anew, the cursor kept on its thread."""
        threads, now = self.query_one(DataTable), time.time()
        keys = [one.key for one in shown]
        if [str(key.value) for key in threads.rows] == keys:
            for one in shown:
                for name, cell in zip(COLUMNS, row(one, now), strict=True):
                    if threads.get_cell(one.key, name) != cell:
                        threads.update_cell(one.key, name, cell)
            return
        with self.app.batch_update():
            at = self._key
            threads.clear()
            for one in shown:
                threads.add_row(*row(one, now), key=one.key)
            if at in keys:
                threads.move_cursor(row=keys.index(at))

    def _fits(self, one: models.ThreadRow) -> bool:
        return self._filter in f"{one.issue_id} {one.thread_id} {one.title} {one.state}".casefold()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """The conversation follows the cursor."""
        key = str(event.row_key.value)
        if key != self._key:
            self._key, self._view = key, None
            self._show()
            self._load()

    @work(exclusive=True, group="thread", exit_on_error=False)
    async def _load(self) -> None:
        """Fetch the thread; looking at it lets the engine listen to its room."""
        issue_id, _, thread_id = self._key.partition("/")
        asked = models.ShowThread(issue_id=issue_id, thread_id=thread_id)
        view = await self.app.call_quietly("hmmm.show", asked)  # type: ignore[attr-defined]
        if isinstance(view, models.ThreadView) and view.row.key == self._key:
            self._view = view
            self._show()

    # ── the conversation ───────────────────────────────────────────────────────────────────────────────────────────

    def _show(self) -> None:
        view, talk, nothing = self._view, self.query_one("#talk", OptionList), self.query_one("#nothing", Static)
        talk.display = view is not None
        nothing.display = view is None
        nothing.update(CHOOSE if self.store.threads else NOTHING)
        self.query_one("#above", Static).update(above(view) if view else Text())
        self.query_one("#above").display = bool(view and (view.escalations or view.remembered))
        if view is None:
            return
        now, at = time.time(), talk.highlighted
        # What a line says of itself changes with time, too: a timer that runs.
        drawn = [(line, telling.marks(line, now)) for line in view.lines]
        if self._drawn != drawn:
            self._drawn = drawn
            last = at is None or at >= talk.option_count - 1
            talk.clear_options()
            talk.add_options([Option(message(line, now)) for line in view.lines])
            talk.highlighted = len(drawn) - 1 if last else at
        self.query_one("#talk-side").border_title = f"{view.row.issue_id}/{view.row.thread_id[:12]}"

    def _tick(self) -> None:
        """Timers run, and messages get further, without anybody saying a word."""
        if self.is_current and self._view is not None:
            self._load()

    def _line(self) -> models.RoomLine | None:
        at = self.query_one("#talk", OptionList).highlighted
        return (
            self._view.lines[at] if self._view is not None and at is not None and at < len(self._view.lines) else None
        )

    # ── saying ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_write(self) -> None:
        """The wizard; what was typed and not sent is there again."""
        room, _, thread = self._key.partition("/")
        self._open(self._draft or Draft(room=room, thread=thread))

    def action_reply(self) -> None:
        """The wizard, set to reply."""
        line = self._line()
        if line is None:
            self.notify("Choose a thread with a message first", severity="warning")
            return
        room, _, thread = self._key.partition("/")
        self._open(Draft("reply", room, thread, line.msg_id))

    def _open(self, draft: Draft) -> None:
        from chorus_tui.screens.hmmm_wizard import Wizard

        rows = self.store.threads.values()
        wizard = Wizard(draft, sorted({one.issue_id for one in rows}), sorted({one.thread_id for one in rows}))

        def closed(said: models.Said | None) -> None:
            self._draft = None if said is not None or draft.empty else draft
            if said is not None:
                self._key = f"{said.issue_id}/{said.thread_id}"
                self.notify(telling.said(said), markup=False)
                self.changed({"threads"})
            elif self._draft is not None:
                self.notify("Kept: n opens it again", markup=False)

        self.app.push_screen(wizard, closed)

    def _proposal(self) -> models.RoomLine | None:
        line = self._line()
        if line is not None and line.type in ("proposal", "objection"):
            return line
        self.notify("Put the cursor of the conversation on a proposal (tab, then up and down)", severity="warning")
        return None

    def action_object(self) -> None:
        """Ask for the reason."""
        line = self._proposal()
        if line is not None:
            question = f"Why do you object?  $ chorus-tui hmmm object {line.msg_id[:8]} REASON"
            self.app.push_screen(Ask(question), lambda why: self._object(line.msg_id, why or ""))

    def _object(self, msg_id: str, reason: str) -> None:
        if reason:
            self._ask("hmmm.object", models.Object(msg_id=msg_id, reason=reason), "Objected")

    def action_agree(self) -> None:
        """With the proposal, or with what was said to the own objection."""
        line = self._proposal()
        if line is not None:
            self._ask("hmmm.agree", models.Agree(msg_id=line.msg_id), "Agreed")

    def action_escalate(self) -> None:
        """Ask what a person is needed for."""
        room, _, thread = self._key.partition("/")
        if room:
            question = f"What is a person needed for?  $ chorus-tui hmmm escalate {room} {thread} REASON"
            self.app.push_screen(Ask(question), lambda why: self._escalate(room, thread, why or ""))

    def _escalate(self, room: str, thread: str, reason: str) -> None:
        if reason:
            self._ask(
                "hmmm.escalate",
                models.Escalate(issue_id=room, thread_id=thread, reason=reason[:1000]),
                "A person is called",
            )

    def action_answer(self) -> None:
        """A person's word, which lets agents speak again."""
        room, _, thread = self._key.partition("/")
        if self._view is None or not self._view.row.escalated:
            self.notify("Nothing waits for a person in this thread", severity="warning")
            return
        question = f"Your answer  $ chorus-tui hmmm answer {room} {thread} TEXT"
        self.app.push_screen(Ask(question), lambda text: self._answer(room, thread, text or ""))

    def _answer(self, room: str, thread: str, text: str) -> None:
        if text:
            self._ask("hmmm.answer", models.AnswerEscalation(issue_id=room, thread_id=thread, message=text), "Answered")

    def _ask(self, operation: str, request: BaseModel, done: str) -> None:
        self.app.ask_engine(operation, request, done)  # type: ignore[attr-defined]

    def action_copy(self) -> None:
        """Copy the message's id."""
        line = self._line()
        if line is not None:
            self.app.copy_to_clipboard(line.msg_id)
            self.notify(f"Copied {line.msg_id}", markup=False)
