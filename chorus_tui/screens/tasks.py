"""Tasks: the board, and the task under the cursor with its output as it comes and its true result."""

from __future__ import annotations

import time
from typing import Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import DataTable, Static

from chorus_tui.client.artifacts import patch_of
from chorus_tui.client.local_files import here, local
from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.counting import many
from chorus_tui.contract.models.patches import PatchFromTask
from chorus_tui.contract.models.task_result import Artifact
from chorus_tui.contract.models.tasks import TERMINAL, CancelTask, OutputChunk, TaskRef, TaskRow, TaskView
from chorus_tui.screens.task_steering import TaskSteering
from chorus_tui.screens.task_view import detail, line
from chorus_tui.widgets.dialogs import Ask, Confirm
from chorus_tui.widgets.event_log import EventLog
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.portal_screen import Thing

EMPTY = (
    "No tasks yet.\n\nPress a to announce one: a title and a command are enough.\n"
    "It runs in a Docker sandbox on an agent of the mesh; start one with  chorus-tui --headless."
)
NO_ANSWER = "No engine tells about it now. It is asked again when something changes."
ENDED_S = 15.0
"""Seconds between two looks at the ages of a task that has ended."""
NO_OUTPUT, SILENT = "No output yet.", "It wrote nothing."
"""While more may come, and when none will."""
STEP = "── step "
"""How a line of an agent's output begins that tells a step of its loop."""
ORDER = (
    "running",
    "collecting",
    "starting",
    "creating",
    "pulling",
    "granted",
    "result_in",
    "escalated",
    "waiting",
    "announced",
)


class TasksScreen(TaskSteering):
    """The board left (or above), the task right (or below)."""

    NAME = "tasks"
    CSS_PATH = "tasks.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("a", "announce", "Announce", id="tasks.announce", tooltip="Announce a task to the mesh"),
        Binding("x", "cancel", "Cancel", id="tasks.cancel", tooltip="Cancel the task under the cursor"),
        Binding("s", "save", "Save files", id="tasks.save", tooltip="Save the artifacts of the task under the cursor"),
        Binding(
            "P", "patch", "Patch", show=False, id="tasks.patch", tooltip="Make a patch of what the task has changed"
        ),
        Binding("o", "output", "Output", show=False, id="tasks.output", tooltip="Move on: board, task, output"),
    ]
    TWINS = {  # noqa: RUF012 - as above
        "announce": "tasks.announce", "cancel": "tasks.cancel", "save": "tasks.artifacts", "patch": "patches.from_task",
        "output": "tasks.output",
    }  # fmt: skip
    TOPIC, ALSO, ROWS = "tasks", frozenset({"status"}), "board"
    COLUMNS = ("state", "task", "by", "age")
    WIDTHS = (13, 22, 7, 6)
    STRETCH = (1, 1, 1, 2)
    RIGHT = (3,)

    def __init__(self) -> None:
        super().__init__()
        self._followed = ""
        self._view: TaskView | None = None
        self._told_at = 0.0
        self._partial = ""
        self._attempt = 0
        self._offset = 0

    def body(self) -> ComposeResult:
        with Container(id="split"):
            with Vertical(id="board-side"):
                yield Static(id="counts", markup=False)
                yield self.table()
            with Vertical(id="task-side"):
                with VerticalScroll(id="task"):
                    yield Static(id="task-text", markup=False)
                yield EventLog("output", id="output", empty=NO_OUTPUT)

    def on_mount(self) -> None:
        """Ages go on by themselves."""
        self.query_one("#task").border_title = "task"
        self.focus_main()
        self.set_interval(1.0, self._tick)

    # ── the board ──────────────────────────────────────────────────────────────────────────────────────────────────

    def words(self, row: TaskRow) -> str:
        return f"{row.title} {row.state} {row.task_id} {row.holder_name} {row.announcer_name}"

    def rank(self, row: TaskRow) -> tuple[int, float]:
        return (_rank(row), -row.announced_at)

    def cells(self, row: TaskRow, now: float) -> tuple[Text, ...]:
        return line(row, now)

    def thing(self) -> Thing | None:
        task_id = self.rows.chosen
        return Thing(task_id, "tasks.show", {"task_id": task_id}) if task_id else None

    def after_layout(self, topics: set[str]) -> None:
        self._count()
        self._follow_cursor()
        self.refresh_bindings()
        if "tasks" in topics and self._followed:
            self._load_view()

    def _count(self) -> None:
        counts: dict[str, int] = {}
        for task in self.store.tasks.values():
            counts[task.state] = counts.get(task.state, 0) + 1
        words = "  ".join(
            f"{count} {state.replace('_', ' ')}"
            for state, count in sorted(counts.items(), key=lambda i: ORDER.index(i[0]) if i[0] in ORDER else 99)
        )
        known = self.store.loaded and not self.store.failing.get("tasks")
        self.query_one("#counts", Static).update(words or ("no tasks" if known else ""))

    def _tick(self) -> None:
        """All of them grow older, and the one that is told beside them: each second while it goes on, then as its ages show."""
        self.grow_older()
        now = time.time()
        if self.is_current and self.task_shown and (not self.task_shown.confirmed or now - self._told_at >= ENDED_S):
            self._show_view(self.task_shown)

    # ── the task under the cursor ──────────────────────────────────────────────────────────────────────────────────

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        self._follow_cursor()

    @property
    def task_shown(self) -> TaskView | None:
        return self._view if self._view is not None and self._view.task_id == self.rows.chosen else None

    def _follow_cursor(self) -> None:
        task_id = self.rows.chosen
        if task_id == self._followed:
            if not task_id:
                self._show_empty()
            return
        self._followed, self._view, self._partial = task_id, None, ""
        self.refresh_bindings()
        self.query_one(EventLog).replace([])
        if task_id:
            # Until its details are here nothing of another task stands beside it.
            self._show_title(task_id)
            self._load_view()
            self._follow_output(task_id)
        else:
            self._show_empty()

    def _show_empty(self) -> None:
        self.query_one("#task-text", Static).update(self.nothing("tasks", EMPTY))

    def _show_title(self, task_id: str, more: str = "") -> None:
        row = self.store.tasks.get(task_id)
        self.query_one("#task-text", Static).update(f"{plain(row.title) if row is not None else task_id}\n\n{more}")

    def _show_view(self, view: TaskView) -> None:
        self._told_at = time.time()
        self.query_one("#task-text", Static).update(detail(view, self._told_at))

    def _load_view(self) -> None:
        self._fetch_view(self._followed)

    @work(group="view", exclusive=True, exit_on_error=False)
    async def _fetch_view(self, task_id: str) -> None:
        view = await self.app.call_quietly("tasks.show", TaskRef(task_id=task_id))  # type: ignore[attr-defined]
        if view is None and self._view is None and self._followed == task_id:
            self._show_title(task_id, NO_ANSWER)
        if view is not None and self._followed == task_id:
            ended_now = view.confirmed and not (self._view and self._view.confirmed)
            self._view = view
            self._show_view(view)
            self.refresh_bindings()
            if ended_now:
                self._follow_output(task_id)

    @work(group="output", exclusive=True, exit_on_error=False)
    async def _follow_output(self, task_id: str) -> None:
        """What is there, then what comes; after a hole in the stream, what was missed."""
        log = self.query_one(EventLog)
        log.empty = NO_OUTPUT
        log.replace([])
        self._partial, self._attempt, self._offset = "", 0, 0
        async for batch in self.app.follow([f"output:{task_id}"]):  # type: ignore[attr-defined]
            if self._followed != task_id:
                return
            if batch.fresh or batch.dropped:
                chunk = await self._read_output(task_id)
                if chunk is not None and chunk.complete:
                    self._end_output()
                    return
            for event in batch.events:
                self._add_output(OutputChunk.model_validate(event.data))

    async def _read_output(self, task_id: str) -> OutputChunk | None:
        from chorus_tui.contract.models.tasks import ReadOutput

        request = ReadOutput(task_id=task_id, offset=self._offset)
        chunk: OutputChunk | None = await self.app.call_quietly("tasks.output", request)  # type: ignore[attr-defined]
        if chunk is not None and self._followed == task_id:
            self._add_output(chunk)
        return chunk

    def _add_output(self, chunk: OutputChunk) -> None:
        if chunk.attempt < self._attempt or (chunk.attempt == self._attempt and chunk.offset < self._offset):
            return
        lines = []
        if chunk.attempt > self._attempt:
            if self._attempt:
                lines.append(("dim", f"… attempt {chunk.attempt}"))
            self._attempt, self._partial = chunk.attempt, ""
        self._offset = chunk.next if chunk.next is not None else chunk.offset + len(chunk.text.encode())
        if chunk.gap:
            lines.append(
                ("dim", f"… {chunk.gap} bytes were not received live; the kept output has them when the task is done")
            )
        whole = self._partial + chunk.text
        *done, self._partial = whole.split("\n")
        lines += [("step" if line.startswith(STEP) else "info", line) for line in done]
        self.query_one(EventLog).extend(lines)

    def _end_output(self) -> None:
        log = self.query_one(EventLog)
        log.empty = SILENT
        log.refresh()
        if self._partial:
            self.query_one(EventLog).extend([("info", self._partial)])
            self._partial = ""

    # ── actions ────────────────────────────────────────────────────────────────────────────────────────────────────

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """A key that can do nothing for this task is not offered."""
        if action == "cancel":
            task = self.store.tasks.get(self._followed)
            return task is not None and task.state not in TERMINAL
        if action == "save":
            return bool(_files(self.task_shown))
        return super().offers(action, parameters)

    def action_announce(self) -> None:
        """The form."""
        from chorus_tui.screens.announce_form import AnnounceForm

        self.app.push_screen(AnnounceForm(), self._announced)

    def _announced(self, task_id: str | None) -> None:
        if task_id:
            self.notify(f"Announced {task_id}", markup=False)

    def action_cancel(self) -> None:
        """After a question."""
        task = self.store.tasks.get(self.rows.chosen)
        if task is None:
            return
        lost = " Its sandbox and all that is not in a result yet are lost." if task.holder else ""
        question = f"Cancel the task “{plain(task.title)}”?{lost}"
        self.app.push_screen(
            Confirm(question, twin("tasks.cancel", task_id=task.task_id)), lambda word: self._cancel(task.task_id, word)
        )

    def _cancel(self, task_id: str, word: str | None) -> None:
        if word == "yes":
            self.app.ask_engine("tasks.cancel", CancelTask(task_id=task_id), "Cancelled")  # type: ignore[attr-defined]

    def action_save(self) -> None:
        """Ask where to, then fetch."""
        view = self._view
        files = _files(view)
        if view is None or not files:
            return
        folder = str(here() / f"task-{view.task_id[-8:]}")
        saved = many(len(files), "file")
        command = twin("tasks.artifacts", task_id=view.task_id)
        app: Any = self.app
        box = Ask(f"Save {saved} where?", command=command, value=folder, make=local)
        box.bring = lambda target: app.save_artifacts(files, target, box)
        app.push_screen(box)

    def action_patch(self) -> None:
        """Ask first: others see it at once."""
        view = self._view
        if view is None or view.result is None or view.result.change is None:
            self.notify("A patch is made of an accepted change, and this task has none", severity="warning")
            return
        request = PatchFromTask(task_id=view.task_id)
        question = f"Make a patch of what “{view.title}” has changed?"
        self.app.push_screen(
            Confirm(question, twin("patches.from_task", task_id=view.task_id)),
            lambda word: self._make_patch(request) if word else None,
        )

    def _make_patch(self, request: PatchFromTask) -> None:
        self.app.ask_engine("patches.from_task", request, "Made; 6 shows it")  # type: ignore[attr-defined]

    def action_output(self) -> None:
        """To the task, to the output, and back to the board."""
        places = [self.rows, self.query_one("#task"), self.query_one(EventLog)]
        at = next((n for n, place in enumerate(places) if place.has_focus), -1)
        places[(at + 1) % len(places)].focus()


def _files(view: TaskView | None) -> list[Artifact]:
    """What the accepted result left: its files, and its change as one more."""
    if view is None or view.result is None:
        return []
    patch = patch_of(view.result)
    return [*view.result.artifacts, *([patch] if patch is not None else [])]


def _rank(task: TaskRow) -> int:
    """What moves first, then what waits, then what has ended."""
    return ORDER.index(task.state) if task.state in ORDER else len(ORDER)
