"""Keys of the tasks screen for people who watch an agent: a word, pause and go on, end, read its change and its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import work
from textual.binding import Binding

from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.models.tasks import SayToTask, SteerTask, TaskView
from chorus_tui.screens.task_hands import TaskHands
from chorus_tui.telling.patch import told_apart
from chorus_tui.telling.task import counts, result_of, steerable
from chorus_tui.telling.transcript import readable
from chorus_tui.widgets.dialogs import Ask, Confirm
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.reader import Reader

_DECIDING = ("decision", "master")


class TaskSteering(TaskHands):
    """The actions; each is offered only where it can do something for the task under the cursor."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("v", "diff", "Diff", id="tasks.diff", tooltip="Read the change it made to the repository"),
        Binding("m", "transcript", "Transcript", id="tasks.transcript", tooltip="Read what the agent did, step by step"),
        Binding("w", "say", "Say", id="tasks.say", tooltip="Say a word in the task's thread; its agent reads it"),
        Binding("h", "hold", "Hold/go on", id="tasks.hold", tooltip="Pause the agent between two steps, or let it go on"),
        Binding("e", "end", "End", id="tasks.end", tooltip="End the agent's work; what it has done is its result"),
    ]  # fmt: skip
    TWINS = {  # noqa: RUF012 - as above
        "diff": "tasks.diff", "transcript": "tasks.transcript", "say": "tasks.say", "hold": "tasks.pause", "end": "tasks.stop",
    }  # fmt: skip

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """A key that can do nothing for this task is not offered."""
        possible: dict[str, Callable[[TaskView], bool]] = {
            "say": lambda _view: True, "hold": self._may_steer, "end": self._may_steer,
            "diff": _has_change, "transcript": _has_transcript,
        }  # fmt: skip
        if action not in possible:
            return super().offers(action, parameters)
        view = self.task_shown
        return view is not None and possible[action](view)

    def asks_for(self, action: str) -> str | None:
        paused = action == "hold" and self.task_shown is not None and self.task_shown.paused
        return "tasks.resume" if paused else super().asks_for(action)

    def _may_steer(self, view: TaskView) -> bool:
        """Its announcer may, and whoever may decide."""
        me = self.store.status
        return steerable(view) and me is not None and (me.peer_id == view.announcer or me.authority in _DECIDING)

    # ── steering ───────────────────────────────────────────────────────────────────────────────────────────────────

    def action_say(self) -> None:
        """Ask for the words."""
        view = self.task_shown
        if view is None:
            return
        reads = "; its agent reads it before its next step" if steerable(view) else ""
        question = f"A word in the thread of “{plain(view.title)}”{reads}."
        command = twin("tasks.say", task_id=view.task_id)
        box = Ask(
            question, command=command, placeholder="your words",
            make=lambda text: SayToTask(task_id=view.task_id, text=text),
        )  # fmt: skip
        self.app.ask_and_do(box, "tasks.say", "Said")  # type: ignore[attr-defined]

    def action_hold(self) -> None:
        """Pause, or go on: whichever applies. Either can be taken back, so nothing is asked."""
        view = self.task_shown
        if view is not None:
            act, done = ("resume", "It goes on") if view.paused else ("pause", "It waits before its next step")
            self._ask(f"tasks.{act}", SteerTask(task_id=view.task_id), done)

    def action_end(self) -> None:
        """After a question."""
        view = self.task_shown
        if view is None:
            return
        question = f"End the agent's work on “{plain(view.title)}” after this step? What it has done is its result."
        request = SteerTask(task_id=view.task_id)
        self.app.push_screen(
            Confirm(question, twin("tasks.stop", request)),
            lambda word: self._ask("tasks.stop", request, "It ends after this step") if word == "yes" else None,
        )

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_diff(self) -> None:
        """The change, in colours."""
        view = self.task_shown
        result = result_of(view) if view is not None else None
        if view is None or result is None or result.change is None:
            return
        about = f"{view.title}: {counts(result.change)}{_not_accepted(view)}"
        command, name = twin("tasks.diff", task_id=view.task_id), f"task-{view.task_id[-8:]}.patch"

        def page(data: bytes) -> Reader:
            lines = data.decode("utf-8", "replace").removesuffix("\n").split("\n")
            return Reader(about, command, told_apart(lines), data, name)

        self._read(result.change.patch, page)

    def action_transcript(self) -> None:
        """The agent's steps."""
        view = self.task_shown
        result = result_of(view) if view is not None else None
        if view is None or result is None:
            return
        about = f"{view.title}: what {result.model or 'the agent'} did{_not_accepted(view)}"
        command, name = twin("tasks.transcript", task_id=view.task_id), f"task-{view.task_id[-8:]}.jsonl"

        def page(data: bytes) -> Reader:
            return Reader(about, command, readable(data.decode("utf-8", "replace").split("\n")), data, name)

        self._read(result.transcript, page)

    @work(group="reader", exclusive=True, exit_on_error=False)
    async def _read(self, digest: str, page: Callable[[bytes], Reader]) -> None:
        """Fetch and show it, unless the person has gone elsewhere meanwhile."""
        from chorus_tui.client import EngineGone
        from chorus_tui.client.artifacts import read
        from chorus_tui.contract.problem import Problem

        app: Any = self.app
        try:
            data = await read(app.client.call, digest)
        except (Problem, EngineGone) as error:
            app.report("It could not be fetched", str(error))
            return
        if self.is_current:
            app.push_screen(page(data))


def _has_change(view: TaskView) -> bool:
    result = result_of(view)
    return result is not None and result.change is not None


def _has_transcript(view: TaskView) -> bool:
    result = result_of(view)
    return result is not None and bool(result.transcript)


def _not_accepted(view: TaskView) -> str:
    return "" if view.result is not None else "; reported, not accepted"
