"""Patches: the queue by state, and all of the one that is chosen: what it is for, what was said, its diff with comments at their hunks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.widgets import DataTable

from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.diff import BadDiff, FileDiff, parse
from chorus_tui.contract.models import patches as models
from chorus_tui.contract.models.patches import PatchRow, PatchView
from chorus_tui.screens.patch_view import EMPTY, about, line, remarks
from chorus_tui.widgets.dialogs import Ask, Confirm
from chorus_tui.widgets.hunks import Hunks
from chorus_tui.widgets.list_screen import ListScreen
from chorus_tui.widgets.plain import plain_lines
from chorus_tui.widgets.portal_screen import Thing

if TYPE_CHECKING:
    from pydantic import BaseModel

    from chorus_tui.screens.patch_draft import PatchDraft

ORDER = ("passed", "submitted", "voting", "in_review", "draft", "rejected", "applied", "withdrawn", "void")


class PatchScreen(ListScreen[PatchRow]):
    """The queue left (or above), the patch right (or below)."""

    NAME = "patch"
    CSS_PATH = "patch.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("n", "new", "New", id="patch.new", tooltip="Make a patch of files of a work tree"),
        Binding("c", "comment", "Comment", id="patch.comment", tooltip="Comment on the chosen hunk"),
        Binding("A", "approve", "Approve", id="patch.approve", tooltip="It may be applied as it is"),
        Binding("C", "changes", "Changes", id="patch.changes", tooltip="Ask for changes, with the reason"),
        Binding("s", "submit", "Submit", id="patch.submit", tooltip="Put the patch forward"),
        Binding("v", "vote", "Vote", show=False, id="patch.vote", tooltip="Put the patch to the vote"),
        Binding("w", "follow", "Its vote", show=False, id="patch.follow", tooltip="Go to the vote on the patch"),
        Binding("p", "apply", "Apply", id="patch.apply", tooltip="Try it in a work tree, then apply it"),
        Binding("x", "withdraw", "Withdraw", show=False, id="patch.withdraw", tooltip="Take the patch back"),
        Binding("right_square_bracket", "hunk(1)", "Next hunk", key_display="]", show=False, id="patch.hunk", tooltip="The next hunk"),
        Binding("left_square_bracket", "hunk(-1)", "Hunk up", key_display="[", show=False, id="patch.hunk-back", tooltip="The hunk before"),
        Binding("right_curly_bracket", "file(1)", "Next file", key_display="}", show=False, id="patch.file", tooltip="The next file"),
        Binding("left_curly_bracket", "file(-1)", "File up", key_display="{", show=False, id="patch.file-back", tooltip="The file before"),
        Binding("o,enter", "turn", "Read", key_display="o", id="patch.turn", tooltip="To the diff and back, to scroll it"),
    ]  # fmt: skip
    TWINS = {  # noqa: RUF012 - as above
        "new": "patches.create", "comment": "patches.review", "approve": "patches.review.approve", "changes": "patches.review.changes",
        "submit": "patches.submit", "vote": "patches.vote", "apply": "patches.apply", "withdraw": "patches.withdraw",
    }  # fmt: skip
    NEEDS = frozenset(
        {"comment", "approve", "changes", "submit", "vote", "follow", "apply", "withdraw", "hunk", "file", "turn"}
    )
    TOPIC, ROWS = "patches", "patches"
    COLUMNS = ("state", "patch", "lines", "by")
    WIDTHS = (12, 21, 9, 7)
    STRETCH = (1,)

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""
        """Entry of the revision under the cursor."""
        self._find = ""
        """Beginning of the id that the cursor is to go to."""
        self._view: PatchView | None = None
        self._files: list[FileDiff] = []
        self._fault = ""
        self._shown = ""
        self._draft: PatchDraft | None = None

    def body(self) -> ComposeResult:
        with Container(id="split"):
            yield self.table()
            yield Hunks(id="hunks")

    def on_mount(self) -> None:
        """The queue has the keys."""
        self.rows.border_title, self.query_one(Hunks).border_title = "patches", "patch"
        self.focus_main()

    # ── the queue ──────────────────────────────────────────────────────────────────────────────────────────────────

    def words(self, row: PatchRow) -> str:
        return f"{row.title} {row.patch_id} {row.state} {row.author_name} {row.kind} {row.project_id}"

    def rank(self, row: PatchRow) -> tuple[int, float]:
        return (ORDER.index(row.state), -row.changed_at)

    def cells(self, row: PatchRow, _now: float) -> tuple[Text, ...]:
        return line(row)

    def after_layout(self, _topics: set[str]) -> None:
        wanted = next((row.key for row in self.store.patches.values() if row.patch_id.startswith(self._find)), "")
        if self._find and self.rows.choose(wanted):
            self._find = ""
        self._look(afresh=True)

    def thing(self) -> Thing | None:
        row = self.selected()
        return Thing(row.patch_id, "patches.show", {"patch_id": row.patch_id}) if row is not None else None

    def find(self, patch_id: str) -> None:
        """Bring the cursor to a patch, now or when it comes."""
        self._find = patch_id.upper()
        self.changed({"patches"})

    # ── the one under the cursor ───────────────────────────────────────────────────────────────────────────────────

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The patch follows the cursor."""
        self._look()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Enter on a row; the table takes that key for itself."""
        self.action_turn()

    def _look(self, *, afresh: bool = False) -> None:
        row = self.selected()
        entry = row.entry if row is not None else ""
        if entry != self._wanted:
            self._view, self._files, self._fault = None, [], ""
        elif not afresh and entry:
            return
        self._wanted = entry
        self._show()
        if row is not None:
            self._load(row)

    @work(exclusive=True, group="patch", exit_on_error=False)
    async def _load(self, row: PatchRow) -> None:
        """Its facts, then, once for a revision, its diff."""
        view = await self.app.call_quietly("patches.show", models.PatchRef(patch_id=row.patch_id))  # type: ignore[attr-defined]
        if not isinstance(view, PatchView) or view.entry != self._wanted:
            return
        self._view = view
        self._show()
        if not self._files and not self._fault:
            await self._read(view)
            if view.entry == self._wanted:
                self._show()

    async def _read(self, view: PatchView) -> None:
        from chorus_tui.client import EngineGone
        from chorus_tui.client.patches import read_diff
        from chorus_tui.contract.problem import Problem

        client = self.app.client  # type: ignore[attr-defined]
        try:
            files = parse(await read_diff(client.call, view.patch_id, view.revision))
        except (Problem, EngineGone, BadDiff) as error:
            files, self._fault = [], f"Its diff cannot be shown: {error}"
        if view.entry == self._wanted:
            self._files = files

    def _show(self) -> None:
        view, place = self._view, self.query_one(Hunks)
        if view is not None:
            lines = about(view, time.time())
            if not self._files:
                lines += [
                    Text(text, style="red" if self._fault else "dim")
                    for text in plain_lines(self._fault or "Reading its diff …")
                ]
            place.show(lines, self._files, remarks(view), anew=self._shown != view.entry)
            self._shown = view.entry
            return
        row = self.selected()
        text = row.title if row is not None else self.nothing("patches", EMPTY)
        place.show([Text(one) for one in plain_lines(text)], [], {})
        self._shown = ""

    def action_hunk(self, by: int) -> None:
        """To another hunk."""
        self.query_one(Hunks).go_hunk(by)

    def action_file(self, by: int) -> None:
        """To another file."""
        self.query_one(Hunks).go_file(by)

    def action_turn(self) -> None:
        """Keys to the diff, or back to the queue."""
        place = self.query_one(Hunks)
        (self.rows if place.has_focus else place).focus()

    # ── judging ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _may(self, act: str, what: str) -> PatchView | None:
        """The patch, when this peer may do that with it now; else it is told why not."""
        view = self._view
        if view is not None and act not in view.may:
            why = "it is your own" if act == "judge" and view.mine else f"the patch is {view.state.replace('_', ' ')}"
            self.notify(f"{what} is not possible here: {why}", severity="warning", markup=False)
            return None
        return view

    def action_comment(self) -> None:
        """On the chosen hunk."""
        view, place = self._may("review", "A comment"), self.query_one(Hunks).place
        if view is None or place is None:
            return
        file, hunk = place
        question = f"Comment on {file}, hunk {hunk + 1}"
        command = twin("patches.review", patch_id=view.patch_id, place=f"{file}:{hunk + 1}")

        def make(text: str) -> models.ReviewPatch:
            return _review(view, "comment", comments=[models.Comment(file=file, hunk=hunk, text=text)])

        self._ask_first(Ask(question, command=command, placeholder="your words", make=make), "patches.review", "Said")

    def action_approve(self) -> None:
        """Words are optional; the box is the confirmation."""
        view = self._may("judge", "An approval")
        if view is not None:
            command = twin("patches.review.approve", patch_id=view.patch_id)
            self.app.push_screen(
                Confirm(f"Approve “{view.title}”?", command),
                lambda sure: self._ask("patches.review", _review(view, "approve"), "Approved") if sure else None,
            )

    def action_changes(self) -> None:
        """With the reason."""
        view = self._may("judge", "To ask for changes")
        if view is not None:
            command = twin("patches.review.changes", patch_id=view.patch_id)
            box = Ask(
                f"Which changes does “{view.title}” need?", command=command, placeholder="what is to change",
                make=lambda text: _review(view, "changes", text=text),
            )  # fmt: skip
            self._ask_first(box, "patches.review", "Changes asked for")

    # ── its way ────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_submit(self) -> None:
        """Confirmed."""
        view = self._may("submit", "Submitting")
        if view is not None:
            request = models.SubmitPatch(patch_id=view.patch_id)
            question = f"Submit “{view.title}” to be voted on or applied?"
            self.app.push_screen(
                Confirm(question, twin("patches.submit", request)),
                lambda sure: self._ask("patches.submit", request, "Submitted") if sure else None,
            )

    def action_vote(self) -> None:
        """Until when?"""
        view = self._may("vote", "A vote")
        if view is None:
            return

        question = f"Put “{view.title}” to the vote until when?"
        command = twin("patches.vote", patch_id=view.patch_id)
        box = Ask(
            question, command=command, value="1d", placeholder="10m, 2h, 3d, RFC 3339",
            make=lambda deadline: models.VotePatch(patch_id=view.patch_id, deadline=deadline),
        )  # fmt: skip
        self._ask_first(box, "patches.vote", "Put to the vote; w follows it")

    async def action_follow(self) -> None:
        """To the vote, on the decide screen."""
        if self._view is None or self._view.vote is None:
            self.notify("No vote is held on this patch", severity="warning")
        else:
            entry = self._view.vote.entry
            await self.app.run_action(f"follow_vote('{entry}')")

    def action_withdraw(self) -> None:
        """Ask for a reason, which is the confirmation too."""
        view = self._may("withdraw", "Withdrawing")
        if view is None:
            return

        question = f"Withdraw “{view.title}”? Why?"
        command = twin("patches.withdraw", patch_id=view.patch_id)
        box = Ask(
            question, command=command, placeholder="a reason; others read it", careful=True,
            make=lambda reason: models.WithdrawPatch(patch_id=view.patch_id, reason=reason),
        )  # fmt: skip
        self._ask_first(box, "patches.withdraw", "Withdrawn")

    def action_apply(self) -> None:
        """A dry run first; what it finds is shown before anything is changed."""
        from chorus_tui.screens.patch_apply import ApplyForm

        view = self._may("apply", "Applying")
        if view is not None:
            self.app.push_screen(ApplyForm(view), self._applied)

    def _applied(self, told: str | None) -> None:
        if told:
            self.notify(told, markup=False)

    def action_new(self) -> None:
        """The wizard; what was typed is kept when it is closed."""
        from chorus_tui.screens.patch_draft import PatchDraft
        from chorus_tui.screens.patch_wizard import PatchWizard

        draft = self._draft or PatchDraft.here()
        self._draft = draft
        self.app.push_screen(PatchWizard(draft), self._made)

    def _made(self, patch_id: str | None) -> None:
        if patch_id:
            self._draft = None
            self.notify(f"Made the patch {patch_id}", markup=False)
            self.find(patch_id)

    def _ask(self, operation: str, request: BaseModel, done: str) -> None:
        self.app.ask_engine(operation, request, done)  # type: ignore[attr-defined]

    def _ask_first(self, box: Ask, operation: str, done: str) -> None:
        self.app.ask_and_do(box, operation, done)  # type: ignore[attr-defined]


def _review(view: PatchView, verdict: models.Verdict, **more: Any) -> models.ReviewPatch:
    """A word on the revision that is shown."""
    return models.ReviewPatch(patch_id=view.patch_id, revision=view.revision, verdict=verdict, **more)
