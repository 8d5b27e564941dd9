"""Messages that go by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from textual.notifications import Notification
from textual.widgets._toast import Toast

from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import play, until


@pytest.mark.parametrize("left", [-0.0002, 0.0, 0.0001])
def test_a_message_whose_time_is_over_when_it_is_drawn_goes_and_stops_nothing(left):
    """It is drawn anew on the screen that is changed to, at the moment its time is over: the portal goes on."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        toast = Toast(Notification("gone"))
        toast._timeout = left
        await pilot.app.screen.mount(toast)
        await until(pilot, lambda: not toast.is_attached, "it goes")
        await pilot.press("2")
        await until(pilot, lambda: pilot.app.current_mode == "status", "the portal goes on")

    play(steps)
