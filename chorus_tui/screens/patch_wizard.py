"""The wizard for a new patch: files of a work tree with their diff, then words, then what others will see. Nothing typed is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import ContentSwitcher, Input, Label, Select, SelectionList, Static, TextArea
from textual.widgets.selection_list import Selection

from chorus_tui.client import EngineGone
from chorus_tui.client.git_run import GitError
from chorus_tui.contract.diff import BadDiff, parse
from chorus_tui.contract.problem import Problem
from chorus_tui.screens.patch_draft import KINDS, PLACES, STEPS, PatchDraft
from chorus_tui.widgets.form import under
from chorus_tui.widgets.hunks import Hunks
from chorus_tui.widgets.key_words import told
from chorus_tui.widgets.marks import MarkList
from chorus_tui.widgets.plain import plain, plain_lines
from chorus_tui.widgets.sending import KEPT, Sending
from chorus_tui.widgets.steps import trail

if TYPE_CHECKING:
    from chorus_tui.app import ChorusApp
    from chorus_tui.client.worktree import ChangedFile
    from chorus_tui.contract.models.patches import PatchPreview, PatchView

FIRST = {"files": "#changed", "words": "#patch-title", "preview": "#preview-side"}


class PatchWizard(Sending, ModalScreen[str]):
    """Answers with the id of the patch, or an empty text; ``draft`` then holds what was typed."""

    CSS_PATH = "patch_wizard.tcss"
    SENDS = frozenset({"create"})
    # No binding has priority: each comes after the letters typed before it, so that none of them is missing in what is read.
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape", "leave", "Close", id="patch-wizard.close", tooltip="Close; what was typed is kept for the next time"),
        Binding("ctrl+n", "go(1)", "Next", id="patch-wizard.next", tooltip="The next step"),
        Binding("ctrl+b", "go(-1)", "Step back", id="patch-wizard.back", tooltip="The step before"),
        Binding("ctrl+s", "create", "Create", id="patch-wizard.create", tooltip="Look at the preview, then make the patch"),
    ]  # fmt: skip

    def __init__(self, draft: PatchDraft) -> None:
        super().__init__()
        self.draft = draft
        self._step = 0
        self._staged = ""
        """The diff at the engine, once it was looked through and may become a patch."""

    @property
    def _app(self) -> ChorusApp:
        return cast("ChorusApp", self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="wizard"):
            yield Static(id="steps", markup=False)
            with ContentSwitcher(initial=STEPS[0], id="pages"):
                with Vertical(id="files"):
                    yield Label("Work tree")
                    yield Input(self.draft.folder, id="folder")
                    with Horizontal(id="choice"):
                        yield MarkList[str](id="changed")
                        yield Hunks(id="diff")
                with Vertical(id="words"):
                    yield from self._words()
                with VerticalScroll(id="preview"), VerticalScroll(id="preview-side"):
                    yield Static(id="preview-text", markup=False)
            yield Static(id="problem", markup=False)
            yield Static(self._hint(), id="hint", markup=False)

    def _words(self) -> ComposeResult:
        with Horizontal(classes="pair"):
            yield from under("Type", Select(KINDS, value=self.draft.kind, allow_blank=False, id="kind"))
            yield from under("Project", Input(self.draft.project, placeholder="none", id="project"))
        yield Label("Title")
        yield Input(self.draft.title, placeholder="what it does, in a line", id="patch-title", max_length=200)
        yield Label("What it does, and why")
        yield TextArea(self.draft.message, id="message")

    def on_mount(self) -> None:
        """Begin with what differs."""
        for area in self.query(TextArea):
            area.cursor_blink = False
        for line in self.query(Input):
            line.cursor_blink = False
        self._show_step()
        self._load_files()

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="files", exit_on_error=False)
    async def _load_files(self) -> None:
        chosen, folder = self.query_one("#changed", SelectionList), self.query_one("#folder", Input)
        typed = folder.value
        self._say(["Looking at the work tree …"])
        chosen.clear_options()
        try:
            found = await asyncio.to_thread(self.draft.read)
        except (GitError, OSError) as error:
            self.draft.data = b""
            self.query_one("#diff", Hunks).show([Text("No diff.", style="dim")], [], {})
            self._say([str(error)])
            folder.focus()
            return
        if folder.value == typed:  # what was typed meanwhile is the next wish
            folder.value = self.draft.folder
        self.draft.chosen &= {one.path for one in found}
        chosen.add_options([Selection(_file(one), one.path, one.path in self.draft.chosen) for one in found])
        self._say([] if found else ["Nothing differs from the last commit in this work tree."])
        self._load_diff()

    def on_selection_list_selected_changed(self, event: SelectionList.SelectedChanged[str]) -> None:
        """The diff follows what is chosen."""
        self.draft.chosen = set(event.selection_list.selected)
        self._load_diff()

    def on_selection_list_selection_highlighted(self, event: SelectionList.SelectionHighlighted[str]) -> None:
        """The file under the cursor is brought into view."""
        self.query_one("#diff", Hunks).go_to(event.selection.value)

    @work(exclusive=True, group="diff", exit_on_error=False)
    async def _load_diff(self) -> None:
        self._staged = ""
        place = self.query_one("#diff", Hunks)
        try:
            data = await asyncio.to_thread(self.draft.difference)
            files = parse(data) if data else []
        except (GitError, BadDiff) as error:
            self.draft.data = b""
            place.show([Text(line, style="red") for line in plain_lines(str(error))], [], {})
            return
        place.show([] if files else [Text("Space chooses the file under the cursor.", style="dim")], files, {})
        chosen = self.query_one("#changed", SelectionList)
        if files and chosen.highlighted is not None:
            place.go_to(chosen.get_option_at_index(chosen.highlighted).value)

    # ── steps ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: a folder is looked at; in the words it goes on."""
        if event.input.id == "folder":
            self.draft.folder = event.value.strip() or "."
            self._load_files()
            self.query_one("#changed").focus()
        elif event.input.id == "project":
            self.query_one("#patch-title").focus()
        else:
            self.query_one("#message").focus()

    def action_go(self, by: int) -> None:
        """To another step."""
        self._read()
        self._step = max(0, min(len(STEPS) - 1, self._step + by))
        self._show_step()

    def _show_step(self) -> None:
        step = STEPS[self._step]
        self.query_one(ContentSwitcher).current = step
        self.query_one("#steps", Static).update(trail(STEPS, step, plain(self.draft.repository)))
        self.query_one("#hint", Static).update(self._hint())
        self.query_one(FIRST[step]).focus()
        self._say([])
        if step == "preview":
            self._preview()

    def _read(self) -> None:
        """From the widgets into the draft."""
        self.draft.title = self.query_one("#patch-title", Input).value
        self.draft.project = self.query_one("#project", Input).value
        self.draft.message = self.query_one("#message", TextArea).text
        self.draft.kind = str(self.query_one("#kind", Select).value)

    # ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _preview(self) -> None:
        """As others will see it, and the lines for which it would be refused."""
        from chorus_tui.client.patches import stage
        from chorus_tui.contract.models.patches import PreviewPatch

        self._staged = ""
        draft, faults = self.draft, self.draft.faults()
        assert self._app.client is not None
        if not draft.data:
            self._tell([], faults)
            return
        self._tell(["Looking through it …"], faults)
        try:
            staged = await stage(self._app.client.call, draft.data)
            request = PreviewPatch(staged=staged, title=draft.title[:200], message=draft.message[:8_000])
            found = cast("PatchPreview", await self._app.client.call("patches.preview", request))
        except (Problem, EngineGone) as error:
            self._tell([], [str(error), "Nothing is lost: go back, or try again."])
            return
        if found.secrets:
            places = ", ".join(f"{one.file}:{one.line}" for one in found.secrets[:8])
            faults = [*faults, f"these lines look like secrets, so no patch is made of them: {places}"]
        self._tell(_shown(found, draft), faults)
        self._staged = "" if faults else staged

    def _tell(self, lines: list[str], faults: list[str]) -> None:
        self.query_one("#preview-text", Static).update("\n".join(row for line in lines for row in plain_lines(line)))
        self._say(faults)

    def action_create(self) -> None:
        """What was not seen in the preview yet is shown there first."""
        if STEPS[self._step] != "preview" or not self._staged:
            self._read()
            self._step = len(STEPS) - 1
            self._show_step()
        else:
            self._create()

    @work(exclusive=True, group="create", exit_on_error=False)
    async def _create(self) -> None:
        from pydantic import ValidationError

        from chorus_tui.widgets.faults import faults

        self._say(["Making it …"])
        try:
            view = cast("PatchView", await self.call("patches.create", self.draft.request(self._staged)))
        except ValidationError as error:
            self._say([f"{name}: {words}" for name, words in faults(error).items()])
        except Problem as problem:
            self._back_to(problem)
        except EngineGone as error:
            self._say([f"{error} {KEPT}"])
        else:
            self._app.note_done("patches.create", self.draft.request(self._staged), files=sorted(self.draft.chosen))
            self.dismiss(view.patch_id)

    def _back_to(self, problem: Problem) -> None:
        """To the step with the fault."""
        steps = [STEPS.index(PLACES[name]) for name in problem.fields if name in PLACES]
        if steps:
            self._step = min(steps)
            self._show_step()
        self._say([problem.title, problem.detail, *(f"{name}: {words}" for name, words in problem.fields.items())])

    def _hint(self) -> str:
        """The keys of this step."""
        step = STEPS[self._step]
        does = [("next", "ctrl+n", "next")] if step != STEPS[-1] else []
        does += [("back", "ctrl+b", "back")] if step != STEPS[0] else []
        own = [
            f"{told(self, f'patch-wizard.{name}', key)} {words}"
            for name, key, words in [*does, ("create", "ctrl+s", "create" if step == STEPS[-1] else "preview")]
        ]
        choose = ["space choose"] if step == "files" else []
        return "  ".join([*own, *choose, f"{told(self, 'patch-wizard.close', 'esc')} close"])

    def action_leave(self) -> None:
        """Without making it; the draft is kept."""
        self._read()
        self.dismiss("")

    def _say(self, lines: list[str]) -> None:
        self.query_one("#problem", Static).update("\n".join(plain(line) for line in lines if line.strip()))


def _file(one: ChangedFile) -> Text:
    return Text.assemble((f"{one.how:<10}", "dim"), plain(one.path))


def _shown(found: PatchPreview, draft: PatchDraft) -> list[str]:
    """What others will see."""
    lines = [f"{found.title}  ({draft.kind})", "", *found.message.splitlines(), ""]
    lines += [f"  {one.path}  +{one.added} -{one.removed}" for one in found.files[:20]]
    lines += [f"  and {len(found.files) - 20} more"] if len(found.files) > 20 else []
    kept = (
        "SHHH found no secret in it"
        if not found.secrets
        else f"SHHH found secrets in {len(found.secrets)} line{'' if len(found.secrets) == 1 else 's'}"
    )
    return [*lines, "", f"made on {draft.repository} at {draft.base[:12]}", kept, f"$ {draft.command()}"]
