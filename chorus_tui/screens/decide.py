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

from chorus_tui.contract.models.decisions import (
    OPEN,
    DecisionRef,
    DecisionRow,
    DecisionView,
    VoteDecision,
    WithdrawDecision,
)
from chorus_tui.screens.decision_view import EMPTY, STYLES, detail
from chorus_tui.telling import decision as words
from chorus_tui.widgets.answer import AnswerBox
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.plain import ago, plain
from chorus_tui.widgets.portal_screen import PortalScreen

COLUMNS = ("state", "decision", "voted", "outcome", "left")
# Fixed widths: a table that measures its cells draws new rows at the old widths for a moment.
WIDTHS = (12, 29, 6, 11, 6)


class DecideScreen(PortalScreen):
    """The list above, open ones first; all of the one under the cursor below."""

    NAME = "decide"
    CSS_PATH = "decide.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("v,enter", "vote", "Vote", key_display="v", id="decide.vote", tooltip="Vote on the decision under the cursor"),
        Binding("n", "propose", "Propose", id="decide.propose", tooltip="Put something to the vote"),
        Binding("w", "withdraw", "Withdraw", id="decide.withdraw", tooltip="End a proposal of your own"),
        Binding("y", "copy", "Copy id", show=False, id="decide.copy", tooltip="Copy the id under the cursor"),
        Binding("o", "turn", "Read on", id="decide.turn", tooltip="To the detail and back, to scroll it"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""
        self._view: DecisionView | None = None
        self._wanted = ""

    def body(self) -> ComposeResult:
        yield DataTable(id="decisions", cursor_type="row", zebra_stripes=False)
        with VerticalScroll(id="decision"):
            yield Static(id="decision-text", markup=False)

    def on_mount(self) -> None:
        """Columns with stable keys; what is left until a deadline is counted down."""
        rows = self.query_one(DataTable)
        for name, width in zip(COLUMNS, WIDTHS, strict=True):
            rows.add_column(name, key=name, width=width)
        self.query_one("#decision").border_title = "decision"
        rows.focus()
        self.set_interval(1.0, self._count_down)

    # ── the list ───────────────────────────────────────────────────────────────────────────────────────────────────

    def changed(self, topics: set[str]) -> None:
        if "decisions" not in topics:
            return
        rows, chosen, now = self.query_one(DataTable), self._selected(), time.time()
        rows.clear()
        for found in self._shown():
            rows.add_row(*line(found, now), key=found.entry)
        if chosen is not None and chosen.entry in rows.rows:
            rows.move_cursor(row=rows.get_row_index(chosen.entry))
        self._look()

    def _shown(self) -> list[DecisionRow]:
        fitting = [row for row in self.store.decisions.values() if self._fits(row)]
        return sorted(fitting, key=lambda row: (0, row.closes_at) if row.state in OPEN else (1, -row.made_at))

    def _fits(self, row: DecisionRow) -> bool:
        return (
            self._filter
            in f"{words.title(row)} {row.decision_id} {row.state} {row.proposer_name} {row.kind}".casefold()
        )

    def _count_down(self) -> None:
        if not self.is_current:
            return
        rows, now = self.query_one(DataTable), time.time()
        for found in self.store.decisions.values():
            if found.entry in rows.rows:
                cell = line(found, now)[-1]
                if rows.get_cell(found.entry, COLUMNS[-1]) != cell:
                    rows.update_cell(found.entry, COLUMNS[-1], cell)
        if self._view is not None and self._view.state in OPEN:
            self._show_detail()

    def filtered(self, text: str) -> None:
        self._filter = text.casefold()
        self.changed({"decisions"})

    def focus_main(self) -> None:
        self.query_one(DataTable).focus()

    def _selected(self) -> DecisionRow | None:
        rows = self.query_one(DataTable)
        if not rows.row_count:
            return None
        key = rows.coordinate_to_cell_key(rows.cursor_coordinate).row_key.value
        return self.store.decisions.get(str(key))

    # ── the one under the cursor ───────────────────────────────────────────────────────────────────────────────────

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        self._look()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Enter on a row; the table takes that key for itself."""
        self.action_vote()

    def _look(self) -> None:
        row = self._selected()
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
        row = self._selected()
        if self._view is not None:
            shown: RenderableType = detail(self._view, time.time())
        elif row is not None:
            shown = Text(plain(words.title(row)))
        elif not self.store.loaded:
            shown = Text("Waiting for the engine …")
        else:
            shown = Text("Nothing fits the filter." if self._filter and self.store.decisions else EMPTY)
        self.query_one("#decision-text", Static).update(shown)

    # ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_vote(self) -> None:
        """Choice and reason in one box; a vote that cannot be given says why."""
        view = self._view
        if view is None:
            return
        if not view.may_vote:
            why = view.why_not or f"it is not open: {words.outcome(view)}"
            self.notify(f"No vote here: {why}", severity="warning", markup=False)
            return

        def give(answer: tuple[str, str] | None) -> None:
            if answer is not None:
                request = VoteDecision(decision_id=view.decision_id, choice=answer[0], reason=answer[1])
                self.app.ask_engine("decisions.vote", request, f"Voted {answer[0]}")  # type: ignore[attr-defined]

        before = f"; you voted {view.my_vote}, the last vote counts" if view.my_vote else ""
        command = f"chorus-tui decide vote {view.decision_id} CHOICE --reason TEXT"
        self.app.push_screen(
            AnswerBox(words.title(view), f"{words.tally(view)}{before}", view.options, "optional", command), give
        )

    async def action_propose(self) -> None:
        """The form."""
        from chorus_tui.screens.propose_form import ProposeForm

        self.app.push_screen(ProposeForm(), self._proposed)

    def _proposed(self, decision_id: str | None) -> None:
        if decision_id:
            self.notify(f"Proposed as {decision_id}", markup=False)

    def action_withdraw(self) -> None:
        """Ask for a reason, which is the confirmation too."""
        row = self._selected()
        if row is None or row.state not in OPEN:
            return
        question = (
            f"Withdraw “{words.title(row)}”, for good? Why?  $ chorus-tui decide withdraw {row.decision_id} --reason"
        )

        def end(reason: str | None) -> None:
            if reason:
                request = WithdrawDecision(decision_id=row.decision_id, reason=reason[:500])
                self.app.ask_engine("decisions.withdraw", request, "Withdrawn")  # type: ignore[attr-defined]

        self.app.push_screen(Ask(question, placeholder="a reason; it stands in the control log"), end)

    def action_copy(self) -> None:
        """Copy the id."""
        row = self._selected()
        if row is not None:
            self.app.copy_to_clipboard(row.decision_id)
            self.notify(f"Copied {row.decision_id}", markup=False)

    def action_turn(self) -> None:
        """Keys to the detail, or back to the list."""
        place = self.query_one("#decision")
        (self.query_one(DataTable) if place.has_focus else place).focus()


def line(row: DecisionRow, now: float) -> tuple[Text, ...]:
    """One line of the list."""
    left = words.closes_in(row, now)
    title = Text("✉ " if row.waits_for_me else "", style="bold yellow", no_wrap=True, overflow="ellipsis")
    title.append(plain(words.title(row)), style="not bold default")
    return (
        Text(words.state(row), style=STYLES[words.TONES[row.state]]), title, Text(f"{row.voted}/{row.eligible}"),
        Text(plain(row.outcome), no_wrap=True, overflow="ellipsis"),
        Text("" if left is None else ago(left), justify="right", style="yellow" if left is not None and left < 60 else ""),
    )  # fmt: skip
