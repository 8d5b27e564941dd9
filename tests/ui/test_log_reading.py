"""The log of the first screen under a flood: keys work, and who reads back stays in place."""

from __future__ import annotations

from typing import Any

from chorus_tui.widgets.event_log import EventLog
from tests.ui.fake_engine import NOW, FakeEngine
from tests.ui.playing import play, settle, until


def test_a_flood_of_events_leaves_the_keys_working():
    """10,000 log lines in batches while a key is pressed: the key works, the newest line is shown, memory is bounded."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        for batch in range(100):
            engine.say_many(
                "log", [{"at": NOW, "level": "info", "text": f"line {batch * 100 + n}"} for n in range(100)]
            )
            if batch == 50:
                await pilot.press("3")
        await until(pilot, lambda: pilot.app.current_mode == "peers", "the key works")
        await pilot.press("2")
        await settle(pilot)
        log = pilot.app.screen.query_one(EventLog)

        assert log._shown[-1][1].endswith("line 9999")
        assert len(log._lines) <= 5000

    play(steps, first="status")


def test_scrolling_back_stops_following_and_end_follows_again():
    """New lines do not move what a reader looks at; they are counted; End goes on following."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        log = pilot.app.screen.query_one(EventLog)
        engine.say_many("log", [{"at": NOW, "level": "info", "text": f"line {n}"} for n in range(200)])
        await settle(pilot)
        log.focus()
        await pilot.press("pageup")
        await settle(pilot)
        engine.say_many("log", [{"at": NOW, "level": "info", "text": "late"} for _ in range(7)])
        await settle(pilot)

        assert not log.following
        assert "+7 new" in str(log.border_subtitle)
        await pilot.press("end")
        await settle(pilot)

        assert log.following
        assert log._shown[-1][1].endswith("late")

    play(steps, first="status")


def test_a_box_over_the_log_leaves_its_reader_in_place():
    """A dialog, and a look at another screen: who reads further up stays there, what came meanwhile is counted. Only a log that
    the engine tells anew begins at its end."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        log = pilot.app.screen.query_one(EventLog)
        engine.say_many("log", [{"at": NOW, "level": "info", "text": f"line {n}"} for n in range(200)])
        await settle(pilot, 2)
        await pilot.press("pageup", "pageup")
        await settle(pilot, 1)
        place = log.scroll_offset.y
        for there, back in (("colon", "escape"), ("t", "2")):
            await pilot.press(there)
            engine.say("log", None, {"at": NOW, "level": "info", "text": "late"})
            await settle(pilot, 1)
            await pilot.press(back)
            await settle(pilot, 1)
            assert not log.following
            assert log.scroll_offset.y == place
        assert "+2 new" in str(log.border_subtitle)
        assert [text[-4:] for _, text in log._lines].count("late") == 2
        pilot.app.store.restart_log()
        pilot.app.store.note("told anew")
        await until(pilot, lambda: log.held == 1 and log.following, "the log as it is told now")

    play(steps, first="status")
