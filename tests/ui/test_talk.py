"""What the portal shows of talk: why a worker has a task, with what it is coordinated, answers of others, reports to a supervisor."""

from __future__ import annotations

from typing import Any

import pytest

from chorus_tui.contract.models import coordination, peers, tasks
from tests.ui.fake_engine import IDS, NOW, FakeEngine
from tests.ui.playing import SIZES, play, settle

WEIGHTS = {"fit": 0.35, "expertise": 0.25, "room": 0.2, "record": 0.2}


def talking() -> FakeEngine:
    """One task that was chosen for, is coordinated, asked for help and got it."""
    engine = FakeEngine()
    (task_id, view), *_ = [item for item in engine.tasks.items() if item[1].state == "running"]
    parts = {"fit": 1.0, "expertise": 1.0, "room": 0.5, "record": 0.6}
    why = tasks.Allocation(
        weights=WEIGHTS,
        candidates=[
            tasks.AllocationCandidate(peer_id=IDS[2], name="linus", score=0.82, parts=parts),
            tasks.AllocationCandidate(peer_id=IDS[1], name="grace", score=0.61, parts={**parts, "fit": 0.4}),
        ], reason="the best of 2 with room",
    )  # fmt: skip
    words = [
        tasks.TaskWord(by=IDS[2], name="linus", at=NOW - 8, kind="help", text="Which table?", attempt=1),
        tasks.TaskWord(by=IDS[0], name="ada", at=NOW - 4, kind="answer", text="The one of orders."),
    ]
    other = coordination.CoordinatedWith(
        session_id="dep_web_1_2",
        task_id=task_id[:-1] + "9",
        title="New column",
        rule="Database_Schema",
        status="active",
    )
    attempt = view.attempts[0].model_copy(update={"why": why})
    engine.tasks = {task_id: view.model_copy(update={"attempts": [attempt], "words": words, "coordinated": [other]})}
    return engine


def shown(pilot: Any) -> str:
    return " ".join("\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips()).split())


@pytest.mark.parametrize("size", SIZES)
def test_a_task_that_is_talked_about_looks_as_it_should(picture, size):
    """Reasons, session and answers beside the rest, at both sizes."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await settle(pilot)
        picture(pilot.app, f"tasks/talk-{size}")

    play(steps, engine=talking(), first="tasks", size=SIZES[size])


def test_the_reasons_and_the_session_are_words_that_can_be_read():
    """Each term weighed; the other task and its session by name; who answers whom."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        text = shown(pilot)

        assert "linus 0.82 = fit 0.35 + expertise 0.25 + room 0.10 + record 0.12" in text
        assert all(part in text for part in ("with “New column”", "dep_web_1_2, active:", "Database_Schema"))
        assert "ada answers, " in text and "linus asks for help, " in text

    play(steps, engine=talking(), first="tasks", size=(200, 50))


def test_a_report_is_shown_with_who_reported_it():
    """Where this peer is the supervisor."""
    engine = FakeEngine()
    report = peers.Report(at=NOW - 5, period_s=60, running=["Build"], done=2, failed=1, blockers=["“t”: no disk"])
    engine.peers[0] = engine.peers[0].model_copy(update={"reports_to": "ada", "report": report})

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        text = shown(pilot)

        assert "reports to ada" in text
        assert "2 done, 1 failed in 60 s; at work: Build; blocked by: “t”: no disk" in text

    play(steps, engine=engine, first="peers", size=(200, 50))
