"""The keys of people who work or decide: offered where they can do something, and doing what they say."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from textual.widgets import Input

from chorus_tui.cli.task_views import print_task
from chorus_tui.contract.models import task_result, tasks
from chorus_tui.screens import task_view
from tests.ui.fake_engine import IDS, NOW, FakeEngine, spec
from tests.ui.playing import play, settle, until

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FB1"
KEYS = {"claim", "submit", "release", "retry", "approve", "deny"}


def one_task(state: str, *, by_hand: bool = False, needed: int = 0, **fields: Any) -> FakeEngine:
    """An engine with one task in this state."""
    attempts = []
    if by_hand:
        attempts = [tasks.Attempt(attempt=1, worker=IDS[3], worker_name="you", granted_at=NOW - 9, by_hand=True)]
    view = tasks.TaskView(
        task_id=TASK, title="Write the words", state=state, announcer=IDS[0], announcer_name="ada", announced_at=NOW - 20,  # type: ignore[arg-type]
        priority="medium", holder=IDS[3] if by_hand else "", holder_name="you" if by_hand else "", attempt=len(attempts),
        spec=spec(title="Write the words"), mesh_id="3efb9b9c" * 8, attempts=attempts, result=None,
        confirmed=state == "failed", approvals_needed=needed, announcement="ab" * 32, **fields,
    )  # fmt: skip
    engine = FakeEngine()
    engine.tasks = {TASK: view}
    return engine


def offered(pilot: Any) -> set[str]:
    """Those of the keys that the footer and the help show."""
    actions = {active.binding.action for active in pilot.app.screen.active_bindings.values()}
    return actions & KEYS


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (lambda: one_task("waiting"), {"claim"}),
        (lambda: one_task("waiting", needed=1), {"claim", "approve", "deny"}),
        (lambda: one_task("running", by_hand=True), {"submit", "release"}),
        (lambda: one_task("running"), set()),
        (lambda: one_task("failed"), {"retry"}),
        (lambda: one_task("completed"), set()),
    ],
    ids=["waiting", "needs approval", "mine by hand", "an agent's", "failed", "completed"],
)
def test_a_key_is_offered_only_where_it_can_do_something(engine, expected):
    """Footer and help list exactly the keys that fit the task under the cursor."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        assert offered(pilot) == expected

    play(steps, engine=engine())


@pytest.mark.parametrize(
    ("key", "engine", "operation"),
    [
        ("c", lambda: one_task("waiting"), "tasks.claim"),
        ("b", lambda: one_task("running", by_hand=True), "tasks.release"),
        ("r", lambda: one_task("failed"), "tasks.retry"),
        ("p", lambda: one_task("waiting", needed=2), "tasks.approve"),
        ("d", lambda: one_task("waiting", needed=2), "tasks.deny"),
    ],
)
def test_each_key_asks_first_and_then_calls_its_operation(monkeypatch, key, engine, operation):
    """Nothing before the yes; then the operation for the task under the cursor; a word names the announcement that was shown."""
    monkeypatch.setattr("chorus_tui.widgets.box.TYPE_AHEAD_S", 0)

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press(key)
        await settle(pilot)

        assert operation not in [name for name, _ in engine.calls]
        await pilot.press("y")
        await until(pilot, lambda: operation in [name for name, _ in engine.calls], operation)

        asked = dict(engine.calls)[operation]
        assert asked.task_id == TASK
        assert getattr(asked, "announcement", "ab" * 32) == "ab" * 32

    play(steps, engine=engine())


@pytest.mark.parametrize(("name", "kind"), [("x.patch", "patch"), ("x.txt", "output"), ("failed: no time", "failed")])
def test_submitting_sends_the_file_or_the_reason(tmp_path, name, kind):
    """A file by its ending as patch or output; words after 'failed:' as the reason; a missing file is told."""
    (tmp_path / name).write_text("content") if kind != "failed" else None

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("u")
        await settle(pilot)
        typed = name if kind == "failed" else str(tmp_path / name)
        pilot.app.screen.query_one(Input).value = typed
        await pilot.press("enter")
        await until(pilot, lambda: "tasks.submit" in [name for name, _ in engine.calls], "submitted")
        sent = dict(engine.calls)["tasks.submit"]

        assert sent.kind == kind
        assert (sent.file.name if sent.file else sent.reason) == name.removeprefix("failed: ")

    play(steps, engine=one_task("running", by_hand=True))


def test_evidence_and_approvals_are_shown_in_the_detail():
    """Who said a result that does not count, for which attempt, and why; who agreed."""
    lost = tasks.LostResult(
        worker=IDS[1], worker_name="grace", attempt=1, at=NOW - 5, why="the lease of attempt 1 had run out", entry="ab" * 32,
        result=task_result.TaskResult(outcome="completed"),
    )  # fmt: skip
    word = tasks.ApprovalWord(by=IDS[0], name="ada", at=NOW - 8, approved=True, reason="fine")

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        shown = "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())

        assert "completed by grace, attempt 1" in shown
        assert "does not count" in shown
        assert "1 of 2" in shown
        assert "approved by ada" in shown

    play(steps, engine=one_task("waiting", needed=2, evidence=[lost], approvals=[word]), size=(200, 50))


def test_a_second_announcement_under_the_id_is_told():
    """Its title, and whose it is, in the task on the screen and on the command line alike."""
    other = tasks.OtherAnnouncement(
        author=IDS[1], author_name="ben", at=NOW - 5, title="Something else", entry="cd" * 32
    )
    (view,) = one_task("waiting", needed=1, other_announcements=[other]).tasks.values()
    screen, line = Console(width=100, record=True, file=StringIO()), StringIO()
    screen.print(task_view.detail(view, NOW))
    with redirect_stdout(line):
        print_task(view)

    for told in (screen.export_text(), line.getvalue()):
        assert "same id" in told
        assert "“Something else” was announced under it too, by ben" in told
    assert "ab" * 32 in line.getvalue()
    assert "cd" * 32 in line.getvalue()
