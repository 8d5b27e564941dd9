"""Keys of the tasks screen for people who work or decide themselves. Shown only where they can do something."""

from __future__ import annotations

import base64
from typing import Any

from textual.binding import Binding

from chorus_tui.client.local_files import local, read
from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.models.tasks import ClaimTask, JudgeTask, ReleaseTask, RetryTask, SubmitTask, TaskRow, TaskView
from chorus_tui.widgets.dialogs import Ask, Confirm
from chorus_tui.widgets.list_screen import ListScreen
from chorus_tui.widgets.plain import plain

FILE_BYTES = 700_000
FAILED = "failed:"


class TaskHands(ListScreen[TaskRow]):
    """The actions; :class:`~chorus_tui.screens.tasks.TasksScreen` says which task is meant."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("c", "claim", "Claim", id="tasks.claim", tooltip="Take the task yourself, by hand"),
        Binding("u", "submit", "Submit", id="tasks.submit", tooltip="Submit the result of a task you claimed"),
        Binding("b", "release", "Give back", id="tasks.release", tooltip="Give back a task you claimed"),
        Binding("r", "retry", "Retry", id="tasks.retry", tooltip="Announce the ended task again, as a new attempt"),
        Binding("p", "approve", "Approve", id="tasks.approve", tooltip="Agree to a task that waits for approval"),
        Binding("d", "deny", "Deny", id="tasks.deny", tooltip="Refuse a task that waits for approval"),
    ]
    TWINS = {name: f"tasks.{name}" for name in ("claim", "submit", "release", "retry", "approve", "deny")}  # noqa: RUF012 - as above

    @property
    def task_shown(self) -> TaskView | None:
        """The task under the cursor, once it is known."""
        return None

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """A key that can do nothing for this task is not offered."""
        possible = {
            "claim": _claimable, "submit": self._is_mine, "release": self._is_mine, "retry": _retryable,
            "approve": _judgeable, "deny": _judgeable,
        }  # fmt: skip
        if action not in possible:
            return super().offers(action, parameters)
        view = self.task_shown
        return view is not None and possible[action](view)

    def _is_mine(self, view: TaskView) -> bool:
        me = self.store.status.peer_id if self.store.status else ""
        by_hand = bool(view.attempts) and view.attempts[-1].by_hand
        return view.state == "running" and by_hand and view.holder == me

    def _ask(self, operation: str, request: Any, done: str) -> None:
        self.app.ask_engine(operation, request, done)  # type: ignore[attr-defined]

    def action_claim(self) -> None:
        """After a question: others will wait for this person."""
        view = self.task_shown
        if view is not None:
            question = (
                f"Work on “{plain(view.title)}” yourself? No agent will get it until you submit it or give it back."
            )
            request = ClaimTask(task_id=view.task_id)
            self.app.push_screen(
                Confirm(question, twin("tasks.claim", request)),
                lambda word: self._ask("tasks.claim", request, "It is yours") if word == "yes" else None,
            )

    def action_release(self) -> None:
        """After a question."""
        view = self.task_shown
        if view is not None:
            request = ReleaseTask(task_id=view.task_id)
            self.app.push_screen(
                Confirm(f"Give “{plain(view.title)}” back?", twin("tasks.release", task_id=view.task_id, reason="")),
                lambda word: self._ask("tasks.release", request, "Given back") if word == "yes" else None,
            )

    def action_retry(self) -> None:
        """After a question."""
        view = self.task_shown
        if view is not None:
            request = RetryTask(task_id=view.task_id)
            self.app.push_screen(
                Confirm(f"Announce “{plain(view.title)}” again?", twin("tasks.retry", request)),
                lambda word: self._ask("tasks.retry", request, "Announced again") if word == "yes" else None,
            )

    def action_submit(self) -> None:
        """Ask for the file, or why it failed."""
        view = self.task_shown
        if view is not None:
            question = "The result: a file (*.patch and *.diff are patches), or 'failed: REASON'."
            command = twin("tasks.submit", task_id=view.task_id)
            box = Ask(
                question, command=command, placeholder="/path/to/file",
                make=lambda text: submission(view.task_id, text),
            )  # fmt: skip
            self.app.ask_and_do(box, "tasks.submit", "Submitted")  # type: ignore[attr-defined]

    def action_approve(self) -> None:
        """After a question that says what is risky."""
        self._judge("approve", "Approved")

    def action_deny(self) -> None:
        """After a question."""
        self._judge("deny", "Denied")

    def _judge(self, word: str, done: str) -> None:
        view = self.task_shown
        if view is None:
            return
        asked = f"{word.capitalize()} “{plain(view.title)}”? {plain(view.detail)}"
        self.app.push_screen(
            Confirm(asked, twin(f"tasks.{word}", task_id=view.task_id)),
            lambda answer: (
                self._ask(f"tasks.{word}", JudgeTask(task_id=view.task_id, announcement=view.announcement), done)
                if answer == "yes"
                else None
            ),
        )


def submission(task_id: str, text: str) -> SubmitTask:
    """What a person typed, as a result. Raises ``OSError`` or ``ValueError`` with the reason."""
    if text.startswith(FAILED):
        return SubmitTask(task_id=task_id, kind="failed", reason=text.removeprefix(FAILED).strip())
    file, content = local(text), read(text, FILE_BYTES)
    sent = {"name": file.name, "content": base64.b64encode(content).decode()}
    kind = "patch" if file.suffix in (".patch", ".diff") else "output"
    return SubmitTask.model_validate({"task_id": task_id, "kind": kind, "file": sent})


def _claimable(view: TaskView) -> bool:
    return view.state in ("announced", "waiting")


def _retryable(view: TaskView) -> bool:
    return view.state in ("failed", "cancelled", "budget_exhausted")


def _judgeable(view: TaskView) -> bool:
    agreed = sum(word.approved for word in view.approvals)
    return _claimable(view) and agreed < view.approvals_needed
