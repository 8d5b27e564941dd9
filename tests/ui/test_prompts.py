"""What the contract does not take of a typed line: told in the box, at its field, and nothing typed is lost."""

from __future__ import annotations

from typing import Any

from textual.widgets import Input

from chorus_tui.widgets.dialogs import Ask
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import play, settle, until
from tests.ui.rooms import filled
from tests.ui.test_task_hands import one_task
from tests.ui.texts import TextEngine

LINES = [
    ("peers", "c", "/ip4/" + "1" * 600, "address: at most 512 characters; shorten it", "/ip4/127.0.0.1/tcp/1", "peers.connect"),
    ("peers", "colon", "connect " + "1" * 600, "address: at most 512", "connect /ip4/127.0.0.1/tcp/1", "peers.connect"),
    ("hmmm", "w", "w" * 8_001, "message: at most 8000 characters", "go on", "hmmm.answer"),
    ("hmmm", "e", "w" * 1_001, "reason: at most 1000 characters", "stuck", "hmmm.escalate"),
    ("collab", "a", "ada, role:", "roles.0: is needed", "ada, role:writer", "collab.invite"),
    ("collab", "a", "n" * 129, "invited.0: at most 128 characters", "ada", "collab.invite"),
    ("collab", "a", ",".join("n" * 65), "invited: at most 64; leave some out", "grace", "collab.invite"),
    ("tasks", "u", "/nowhere/at/all", "/nowhere/at/all", "failed: no tools", "tasks.submit"),
]  # fmt: skip
"""Screen, key, a line that does not do, why, one that does, what is asked for then."""


def test_a_line_that_does_not_do_stays_with_its_reason_and_the_next_one_is_sent():
    """On every screen that asks for a line: too long, too many or an empty part ends neither the portal nor what was typed."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        for mode, key, wrong, why, right, operation in LINES:
            await pilot.app.action_show(mode)
            await settle(pilot, 2)
            before = len(engine.calls)
            await pilot.press(key)
            await until(pilot, lambda: isinstance(pilot.app.screen, Ask), f"{mode}: asked")
            await settle(pilot, 1)
            box = pilot.app.screen
            field = box.query_one(Input)
            field.value = wrong
            await pilot.press("enter")
            await settle(pilot, 1)
            assert pilot.app.screen is box, (mode, key)
            assert field.value == wrong
            assert why in str(box.query_one(".problem").render())
            assert operation not in [name for name, _ in engine.calls[before:]]
            field.value = right
            await pilot.press("enter")
            await until(pilot, lambda: operation in [name for name, _ in engine.calls[before:]], operation)  # noqa: B023 - within the round

    engine = filled(TextEngine())
    engine.tasks = one_task("running", by_hand=True).tasks
    play(steps, engine=engine)
