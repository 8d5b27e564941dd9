"""The list of tasks and what stands beside its cursor, against a scripted engine."""

from __future__ import annotations

import time
from typing import Any

import pytest
from textual.widgets import DataTable

from chorus_tui.contract.problem import Problem
from chorus_tui.widgets.event_log import EventLog
from tests.ui.fake_engine import NOW, FakeEngine
from tests.ui.playing import play, until


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)], ids=["60x15", "80x24", "120x40", "200x60"])
def test_the_time_of_a_task_is_told_whole_beside_a_scrollbar(size):
    """One thing for every task, in few columns: none of it is cut or covered, whatever the width and however long the list."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        board = pilot.app.screen.query_one(DataTable)
        assert board.show_vertical_scrollbar
        shown = [board.render_line(y).text.rstrip() for y in range(1, board.size.height)]
        assert {line.split("  ")[-1].strip() for line in shown if line.strip()} == {"29 min"}
        wide = sum(column.get_render_width(board) for column in board.columns.values())
        assert wide <= board.scrollable_content_region.width

    play(steps, engine=many_tasks(), size=size)


def many_tasks() -> FakeEngine:
    """More than fit, all of them announced half an hour ago; what they took is another number."""
    engine, at = FakeEngine(), time.time() - 29 * 60 - 20
    one = next(iter(engine.tasks.values()))
    kept = {"announced_at": at, "seconds": 10.0}
    engine.tasks = {f"{n:026}": one.model_copy(update={**kept, "task_id": f"{n:026}"}) for n in range(60)}
    return engine


def test_a_finished_task_without_output_is_said_to_have_written_nothing():
    """While it runs more may come; of one that has ended nothing will. The next task begins anew."""

    class Silent(FakeEngine):
        async def call(self, operation: str, request: Any = None) -> Any:
            answer = await super().call(operation, request)
            if operation == "tasks.output":
                ended = self.tasks[request.task_id].state == "completed"
                return answer.model_copy(update={"text": "", "next": 0, "complete": ended})
            return answer

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        log = pilot.app.screen.query_one(EventLog)
        await until(pilot, lambda: "No output yet." in log.render_line(0).text, "it may come")
        await pilot.press("G")
        await until(pilot, lambda: "It wrote nothing." in log.render_line(0).text, "none will")
        await pilot.press("g")
        await until(pilot, lambda: "No output yet." in log.render_line(0).text, "anew")

    play(steps, engine=Silent())


def test_nothing_of_another_task_stands_beside_the_cursor():
    """Where the engine gives no answer about the task under the cursor, its title stands there, and that no answer came."""

    class Refusing(FakeEngine):
        silent = False

        async def call(self, operation: str, request: Any = None) -> Any:
            if operation == "tasks.show" and self.silent:
                raise Problem(429, "slow-down", "Too fast")
            return await super().call(operation, request)

    async def steps(pilot: Any, engine: Refusing) -> None:
        screen = pilot.app.screen

        def beside() -> str:
            text = screen.query_one("#task-text")
            return " ".join(strip.text.strip() for strip in text.render_lines(text.size.region))

        first = engine.tasks[screen.rows.chosen].title
        await until(pilot, lambda: first in beside(), "shown")
        engine.silent = True
        await pilot.press("G")
        await until(pilot, lambda: "No engine tells about it now" in beside(), "said")

        assert engine.tasks[screen.rows.chosen].title in beside() and first not in beside()

    play(steps, engine=Refusing())


def test_a_list_that_is_not_all_says_where_all_of_it_is():
    """The engine has more tasks than a screen holds: that is told at the list, with the command that shows them."""

    class Long(FakeEngine):
        async def call(self, operation: str, request: Any = None) -> Any:
            answer = await super().call(operation, request)
            return answer.model_copy(update={"next": "c-1000"}) if operation == "tasks.list" else answer

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        board = pilot.app.screen.query_one(DataTable)
        assert board.border_subtitle == "1000 are shown, all: chorus-tui task list"

    play(steps, engine=Long())


def test_the_ages_beside_the_cursor_go_on(monkeypatch):
    """A task that goes on is told with the time it has taken now, also when nothing happens to it."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        screen = pilot.app.screen
        (running,) = [one.task_id for one in engine.tasks.values() if one.state == "running"][:1]
        screen.rows.choose(running)

        def beside() -> str:
            text = screen.query_one("#task-text")
            return " ".join(strip.text.strip() for strip in text.render_lines(text.size.region))

        await until(pilot, lambda: screen.task_shown is not None and screen.task_shown.task_id == running, "shown")
        first = beside()
        monkeypatch.setattr(time, "time", lambda: NOW + 600)
        await until(pilot, lambda: beside() != first, "older")

    play(steps)
