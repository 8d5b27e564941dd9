"""HMMM: rooms and threads left, the conversation right; escalations on top; ``n`` writes a message."""

from __future__ import annotations

import time

from pydantic import BaseModel
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.widgets import DataTable, OptionList, Static
from textual.widgets.option_list import Option

from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.models import hmmm as models
from chorus_tui.screens.hmmm_draft import Draft
from chorus_tui.screens.hmmm_lines import above, line, message
from chorus_tui.telling import hmmm as telling
from chorus_tui.widgets.dialogs import Ask, Confirm
from chorus_tui.widgets.key_words import told
from chorus_tui.widgets.list_screen import ListScreen
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.portal_screen import Thing

NOTHING = "Nothing has been said in a room yet.\n\nPress n to ask, propose or think aloud. Agents with a model answer."
CHOOSE = "Choose a thread, or press n to begin one."
REFRESH_S = 1.0
QUOTED = 300
"""Characters of a message that a box repeats."""


class HmmmScreen(ListScreen[models.ThreadRow]):
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
    ]
    TWINS = {  # noqa: RUF012 - as above
        "write": "hmmm.send", "reply": "hmmm.reply", "object": "hmmm.object", "agree": "hmmm.agree", "escalate": "hmmm.escalate",
        "answer": "hmmm.answer",
    }  # fmt: skip
    NEEDS = frozenset({"reply", "object", "agree", "escalate", "answer"})
    TOPIC, ALSO, ROWS = "threads", frozenset({"status"}), "threads"
    COLUMNS = ("state", "thread", "room", "said", "last")
    WIDTHS = (10, 20, 8, 4, 6)
    STRETCH = (1, 1, 1, 2)
    RIGHT = (3, 4)

    def __init__(self) -> None:
        super().__init__()
        self._key = ""
        self._view: models.ThreadView | None = None
        self._drawn: list[tuple[models.RoomLine, list[str]]] = []
        self._drafts: dict[str, Draft] = {}
        """What was typed and not sent, by the message that it replies to; of a new one, under an empty id."""

    def body(self) -> ComposeResult:
        with Container(id="split"):
            yield self.table()
            with Vertical(id="talk-side"):
                yield Static(id="above", markup=False)
                yield OptionList(id="talk", markup=False)
                yield Static(id="nothing", markup=False)

    def on_mount(self) -> None:
        """Timers run by themselves."""
        self.rows.border_title = "rooms"
        self.query_one("#talk-side").border_title = "thread"
        self.focus_main()
        self.set_interval(REFRESH_S, self._tick)

    # ── threads ────────────────────────────────────────────────────────────────────────────────────────────────────

    def words(self, row: models.ThreadRow) -> str:
        return f"{row.issue_id} {row.thread_id} {row.title} {row.state}"

    def rank(self, row: models.ThreadRow) -> tuple[bool, float, str]:
        return (not row.escalated, -row.last_at, row.key)

    def cells(self, row: models.ThreadRow, now: float) -> tuple[Text, ...]:
        return line(row, now)

    def lay_out(self) -> None:
        """The cursor goes to the thread that is open, also when it is a new one."""
        super().lay_out()
        self.rows.choose(self._key)

    def after_layout(self, topics: set[str]) -> None:
        if not self.rows.row_count:
            self._key, self._view = "", None
        self._show()
        if self._key and "threads" in topics:
            self._load()

    def thing(self) -> Thing | None:
        """The message under the cursor; without one, the thread."""
        message, (room, _, thread) = self._line(), self._key.partition("/")
        if not thread:
            return None
        known = {"issue_id": room, "thread_id": thread}
        if message is None:
            return Thing(self._key, "hmmm.show", known)
        return Thing(message.msg_id, "hmmm.show", {**known, "msg_id": message.msg_id})

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The conversation follows the cursor. A list that is built anew tells of its first row, too: what counts is where it is now."""
        key = self.rows.chosen
        if key != self._key:
            self._key, self._view = key, None
            self.refresh_bindings()
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
        nothing.update(CHOOSE if self.rows.row_count else self.nothing("threads", NOTHING))
        self.query_one("#above", Static).update(above(view) if view else Text())
        self.query_one("#above").display = bool(view and (view.escalations or view.remembered))
        if view is None:
            return
        now = time.time()
        # What a line says of itself changes with time, too: a timer that runs.
        drawn = [(said, telling.marks(said, now)) for said in view.lines]
        if self._drawn != drawn:
            under = self._under_cursor(talk)
            self._drawn = drawn
            talk.clear_options()
            talk.add_options([Option(message(said, now)) for said in view.lines])
            places = {said.hash: at for at, said in enumerate(view.lines)}
            talk.highlighted = places.get(under, len(drawn) - 1)
        self.query_one("#talk-side").border_title = f"{view.row.issue_id}/{view.row.thread_id[:12]}"

    def _under_cursor(self, talk: OptionList) -> str:
        """The hash of the message that the cursor stays on, wherever others put theirs; empty when it is to follow the end."""
        at = talk.highlighted
        if at is None or at >= len(self._drawn) or (at == len(self._drawn) - 1 and not talk.has_focus):
            return ""
        return self._drawn[at][0].hash

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
        self._open("", self._drafts.get("") or Draft(room=room, thread=thread))

    def action_reply(self) -> None:
        """The wizard, set to reply."""
        said = self._line()
        if said is None:
            self.notify("Choose a thread with a message first", severity="warning")
            return
        room, _, thread = self._key.partition("/")
        self._open(said.msg_id, self._drafts.get(said.msg_id) or Draft("reply", room, thread, said.msg_id))

    def _open(self, under: str, draft: Draft) -> None:
        from chorus_tui.screens.hmmm_wizard import Wizard

        rows = self.store.threads.values()
        wizard = Wizard(draft, sorted({one.issue_id for one in rows}), sorted({one.thread_id for one in rows}))

        def closed(said: models.Said | None) -> None:
            self._drafts.pop(under, None)
            if said is not None:
                self._key = f"{said.issue_id}/{said.thread_id}"
                self.notify(telling.said(said), markup=False)
                self.changed({"threads"})
            elif not draft.empty:
                self._drafts[under] = draft
                name, usual, where = ("reply", "r", " on that message") if under else ("new", "n", "")
                self.notify(f"Kept: {told(self, f'hmmm.{name}', usual)}{where} opens it again", markup=False)

        self.app.push_screen(wizard, closed)

    def _proposal(self) -> models.RoomLine | None:
        said = self._line()
        if said is not None and said.type in ("proposal", "objection"):
            return said
        self.notify("Put the cursor of the conversation on a proposal (tab, then up and down)", severity="warning")
        return None

    def action_object(self) -> None:
        """Ask for the reason."""
        said = self._proposal()
        if said is not None:
            command = twin("hmmm.object", msg_id=said.msg_id[:8])
            box = Ask(
                f"Why do you object to “{plain(said.message, limit=QUOTED)}”?", command=command,
                make=lambda why: models.Object(msg_id=said.msg_id, reason=why),
            )  # fmt: skip
            self._ask_first(box, "hmmm.object", "Objected")

    def action_agree(self) -> None:
        """With the proposal, or with what was said to the own objection; asked first, because what is signed stays."""
        said = self._proposal()
        if said is not None:
            request = models.Agree(msg_id=said.msg_id)
            question = f"Agree: {said.type} of {said.author_name}?\n\n{plain(said.message, limit=QUOTED)}"
            self.app.push_screen(
                Confirm(question, twin("hmmm.agree", msg_id=said.msg_id[:8])),
                lambda word: self._ask("hmmm.agree", request, "Agreed") if word == "yes" else None,
            )

    def action_escalate(self) -> None:
        """Ask what a person is needed for."""
        room, _, thread = self._key.partition("/")
        if room:
            command = twin("hmmm.escalate", issue_id=room, thread_id=thread)
            box = Ask(
                "What is a person needed for?", command=command,
                make=lambda why: models.Escalate(issue_id=room, thread_id=thread, reason=why),
            )  # fmt: skip
            self._ask_first(box, "hmmm.escalate", "A person is called")

    def action_answer(self) -> None:
        """A person's word, which lets agents speak again."""
        room, _, thread = self._key.partition("/")
        if self._view is None or not self._view.row.escalated:
            self.notify("Nothing waits for a person in this thread", severity="warning")
            return
        command = twin("hmmm.answer", issue_id=room, thread_id=thread)
        box = Ask(
            "Your answer", command=command,
            make=lambda text: models.AnswerEscalation(issue_id=room, thread_id=thread, message=text),
        )  # fmt: skip
        self._ask_first(box, "hmmm.answer", "Answered")

    def _ask_first(self, box: Ask, operation: str, done: str) -> None:
        self.app.ask_and_do(box, operation, done)  # type: ignore[attr-defined]

    def _ask(self, operation: str, request: BaseModel, done: str) -> None:
        self.app.ask_engine(operation, request, done)  # type: ignore[attr-defined]
