"""Keys of the tasks screen for people who work or decide themselves. Shown only where they can do something."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from textual.binding import Binding

from chorus_tui.contract.models.tasks import ClaimTask, JudgeTask, ReleaseTask, RetryTask, SubmitTask, TaskView
from chorus_tui.widgets.dialogs import Ask, Confirm
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.portal_screen import PortalScreen

FILE_BYTES = 700_000
FAILED = "failed:"


class TaskHands(PortalScreen):
    """The actions; :class:`~chorus_tui.screens.tasks.TasksScreen` says which task is meant."""

    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("c", "claim", "Claim", id="tasks.claim", tooltip="Take the task yourself, by hand"),
        Binding("u", "submit", "Submit", id="tasks.submit", tooltip="Submit the result of a task you claimed"),
        Binding("b", "release", "Give back", id="tasks.release", tooltip="Give back a task you claimed"),
        Binding("r", "retry", "Retry", id="tasks.retry", tooltip="Announce the ended task again, as a new attempt"),
        Binding("p", "approve", "Approve", id="tasks.approve", tooltip="Agree to a task that waits for approval"),
        Binding("d", "deny", "Deny", id="tasks.deny", tooltip="Refuse a task that waits for approval"),
    ]

    @property
    def task_shown(self) -> TaskView | None:
        """The task under the cursor, once it is known."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that can do nothing for this task is not offered."""
        possible = {
            "claim": _claimable, "submit": self._is_mine, "release": self._is_mine, "retry": _retryable,
            "approve": _judgeable, "deny": _judgeable,
        }  # fmt: skip
        if action not in possible:
            return super().check_action(action, parameters)
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
                Confirm(question, f"chorus-tui task claim {view.task_id}"),
                lambda word: self._ask("tasks.claim", request, "It is yours") if word == "yes" else None,
            )

    def action_release(self) -> None:
        """After a question."""
        view = self.task_shown
        if view is not None:
            request = ReleaseTask(task_id=view.task_id)
            self.app.push_screen(
                Confirm(f"Give “{plain(view.title)}” back?", f"chorus-tui task release {view.task_id}"),
                lambda word: self._ask("tasks.release", request, "Given back") if word == "yes" else None,
            )

    def action_retry(self) -> None:
        """After a question."""
        view = self.task_shown
        if view is not None:
            request = RetryTask(task_id=view.task_id)
            self.app.push_screen(
                Confirm(f"Announce “{plain(view.title)}” again?", f"chorus-tui task retry {view.task_id}"),
                lambda word: self._ask("tasks.retry", request, "Announced again") if word == "yes" else None,
            )

    def action_submit(self) -> None:
        """Ask for the file, or why it failed."""
        view = self.task_shown
        if view is not None:
            question = (
                "The result: a file (*.patch and *.diff are patches), or 'failed: REASON'.  "
                f"$ chorus-tui task submit {view.task_id} --output FILE"
            )
            self.app.push_screen(
                Ask(question, placeholder="/path/to/file"), lambda text: self._submit(view.task_id, text)
            )

    def _submit(self, task_id: str, text: str | None) -> None:
        if not text:
            return
        try:
            request = submission(task_id, text)
        except (OSError, ValueError) as error:
            self.app.report("This cannot be submitted", str(error))  # type: ignore[attr-defined]
            return
        self._ask("tasks.submit", request, "Submitted")

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
            Confirm(asked, f"chorus-tui task {word} {view.task_id}"),
            lambda answer: (
                self._ask(f"tasks.{word}", JudgeTask(task_id=view.task_id), done) if answer == "yes" else None
            ),
        )


def submission(task_id: str, text: str) -> SubmitTask:
    """What a person typed, as a result. Raises ``OSError`` or ``ValueError`` with the reason."""
    if text.startswith(FAILED):
        return SubmitTask(task_id=task_id, kind="failed", reason=text.removeprefix(FAILED).strip())
    file = Path(text).expanduser()
    content = file.read_bytes()
    if len(content) > FILE_BYTES:
        raise ValueError(f"{file} holds {len(content)} bytes; {FILE_BYTES} at most can be submitted")
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
