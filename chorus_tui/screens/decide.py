"""Decide: what is put to the vote, how it stands, who said what, and what came of it."""

from __future__ import annotations

import time

from rich.console import RenderableType
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.models.decisions import (
    OPEN,
    DecisionRef,
    DecisionRow,
    DecisionView,
    WithdrawDecision,
)
from chorus_tui.screens import vote
from chorus_tui.screens.decision_view import EMPTY, STYLES, detail
from chorus_tui.telling import decision as words
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.list_screen import ListScreen
from chorus_tui.widgets.plain import ago, plain
from chorus_tui.widgets.portal_screen import Thing


class DecideScreen(ListScreen[DecisionRow]):
    """The list above, open ones first; all of the one under the cursor below."""

    NAME = "decide"
    CSS_PATH = "decide.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("v,enter", "vote", "Vote", key_display="v", id="decide.vote", tooltip="Vote on the decision under the cursor"),
        Binding("n", "propose", "Propose", id="decide.propose", tooltip="Put something to the vote"),
        Binding("w", "withdraw", "Withdraw", id="decide.withdraw", tooltip="End a proposal of your own"),
        Binding("o", "turn", "Read on", id="decide.turn", tooltip="To the detail and back, to scroll it"),
    ]  # fmt: skip
    TWINS = {"vote": "decisions.vote", "propose": "decisions.propose", "withdraw": "decisions.withdraw"}  # noqa: RUF012 - as above
    TOPIC, ROWS = "decisions", "decisions"
    COLUMNS = ("state", "decision", "voted", "outcome", "left")
    WIDTHS = (12, 29, 6, 11, 6)
    STRETCH = (1, 1, 3)
    RIGHT = (4,)
    NEEDS = frozenset({"vote", "withdraw", "turn"})

    def __init__(self) -> None:
        super().__init__()
        self._view: DecisionView | None = None
        self._wanted = ""

    def body(self) -> ComposeResult:
        yield self.table()
        with VerticalScroll(id="decision"):
            yield Static(id="decision-text", markup=False)

    def on_mount(self) -> None:
        """What is left until a deadline is counted down."""
        self.query_one("#decision").border_title = "decision"
        self.focus_main()
        self.set_interval(1.0, self._count_down)

    # ── the list ───────────────────────────────────────────────────────────────────────────────────────────────────

    def words(self, row: DecisionRow) -> str:
        return f"{words.title(row)} {row.decision_id} {row.state} {row.proposer_name} {row.kind}"

    def rank(self, row: DecisionRow) -> tuple[int, float]:
        return (0, row.closes_at) if row.state in OPEN else (1, -row.made_at)

    def cells(self, row: DecisionRow, now: float) -> tuple[Text, ...]:
        return line(row, now)

    def after_layout(self, _topics: set[str]) -> None:
        self._look()

    def thing(self) -> Thing | None:
        row = self.selected()
        if row is None:
            return None
        signs = {} if self._view is not None and self._view.persons else {"key": ""}
        return Thing(row.decision_id, "decisions.show", {"decision_id": row.decision_id, **signs})

    def _count_down(self) -> None:
        self.grow_older()
        if self.is_current and self._view is not None and self._view.state in OPEN:
            self._show_detail()

    def find(self, entry: str) -> None:
        """Bring the cursor to a decision, by the hash of its entry."""
        self.rows.choose(entry)

    # ── the one under the cursor ───────────────────────────────────────────────────────────────────────────────────

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        self._look()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Enter on a row; the table takes that key for itself."""
        self.action_vote()

    def _look(self) -> None:
        row = self.selected()
        if row is None or row.entry != self._wanted:
            self._view = None
        self._wanted = row.entry if row is not None else ""
        self._show_detail()
        if row is not None:
            self._load(row)

    @work(exclusive=True, group="decision", exit_on_error=False)
    async def _load(self, row: DecisionRow) -> None:
        view = await self.app.call_quietly("decisions.show", DecisionRef(decision_id=row.decision_id))  # type: ignore[attr-defined]
        if isinstance(view, DecisionView) and view.entry == self._wanted:
            self._view = view
            self._show_detail()

    def _show_detail(self) -> None:
        row = self.selected()
        if self._view is not None:
            shown: RenderableType = detail(self._view, time.time())
        elif row is not None:
            shown = Text(plain(words.title(row)))
        else:
            shown = Text(self.nothing("decisions", EMPTY))
        self.query_one("#decision-text", Static).update(shown)

    # ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_vote(self) -> None:
        """Choice and reason in one box; a vote that cannot be given says why."""
        view = self._view
        if view is None:
            return
        if not view.may_vote and not vote.may_be_signed(view):
            why = view.why_not or f"it is not open: {words.outcome(view)}"
            self.notify(f"No vote here: {why}", severity="warning", markup=False)
            return

        vote.ask(self.app, view)  # type: ignore[arg-type]

    async def action_propose(self) -> None:
        """The form."""
        from chorus_tui.screens.propose_form import ProposeForm

        self.app.push_screen(ProposeForm(), self._proposed)

    def _proposed(self, decision_id: str | None) -> None:
        if decision_id:
            self.notify(f"Proposed as {decision_id}", markup=False)

    def action_withdraw(self) -> None:
        """Ask for a reason, which is the confirmation too."""
        row = self.selected()
        if row is None or row.state not in OPEN:
            return
        question = f"Withdraw “{words.title(row)}”, for good? Why?"
        command = twin("decisions.withdraw", decision_id=row.decision_id)

        box = Ask(
            question, command=command, placeholder="a reason; it stands in the control log", careful=True,
            make=lambda reason: WithdrawDecision(decision_id=row.decision_id, reason=reason),
        )  # fmt: skip
        self.app.ask_and_do(box, "decisions.withdraw", "Withdrawn")  # type: ignore[attr-defined]

    def action_turn(self) -> None:
        """Keys to the detail, or back to the list."""
        place = self.query_one("#decision")
        (self.rows if place.has_focus else place).focus()


def line(row: DecisionRow, now: float) -> tuple[Text, ...]:
    """One line of the list."""
    left = words.closes_in(row, now)
    title = Text(no_wrap=True, overflow="ellipsis").append("✉ " if row.waits_for_me else "", style="bold yellow")
    title.append(plain(words.title(row)))
    return (
        Text(words.state(row), style=STYLES[words.TONES[row.state]]), title, Text(f"{row.voted}/{row.eligible}"),
        Text(plain(row.outcome), no_wrap=True, overflow="ellipsis"),
        Text("" if left is None else ago(left), justify="right", style="yellow" if left is not None and left < 60 else ""),
    )  # fmt: skip
