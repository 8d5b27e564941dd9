"""How the portal stays true to its engine: snapshots, what is not understood, the banner, and errors that can be read."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.widgets import DataTable, Input

from chorus_tui.client.reviving import MOST, Reviver
from chorus_tui.contract.problem import Problem
from chorus_tui.widgets.dialogs import Ask, ErrorBox
from chorus_tui.widgets.form import Form
from tests.ui.fake_engine import FakeEngine, a_hello
from tests.ui.playing import play, settle, until
from tests.ui.test_look import text_of

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FA3"
ODD = Problem(502, "not-understood", "The engine's answer is not understood here", "status.show: 1 faults")


def test_a_status_that_is_not_told_keeps_no_list_from_being_shown_and_comes_with_the_next_try():
    """The lists are there, the status screen says why it has nothing; once the engine tells it, it is shown unasked."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        assert pilot.app.screen.query_one(DataTable).row_count == 4
        assert pilot.app.store.failing == {"status": str(ODD)}
        await pilot.press("2")
        await settle(pilot)
        assert "not understood here" in str(pilot.app.screen.query_one("#me-text").render())
        engine.problems.clear()
        await until(pilot, lambda: pilot.app.store.status is not None, "asked again")
        assert pilot.app.store.failing == {}

    engine = FakeEngine()
    engine.problems["status.show"] = ODD
    play(steps, engine=engine)


def test_updates_that_end_by_a_fault_are_told():
    """Whatever ends the following of the engine: the reason is on the screen, under its number."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorBox), "told")
        shown = "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
        assert "The portal gets no updates any more" in shown
        assert "ValueError: odd" in shown

    engine = FakeEngine()
    engine.problems["tasks.list"] = ValueError("odd")  # type: ignore[assignment] # a fault that is no answer
    play(steps, engine=engine, answers=False)


class Racing(FakeEngine):
    """Tells that a task is completed while it answers the second snapshot, whose list of tasks is older."""

    async def call(self, operation: str, request: Any = None) -> Any:
        again = [name for name, _ in self.calls].count(operation) == 1
        if again and operation == "status.show":
            self.problems.clear()
        if again and operation == "inbox.list":
            self.say("tasks", TASK, {**self.row(self.tasks[TASK]).model_dump(), "state": "completed"})
            for _ in range(50):
                await asyncio.sleep(0)
        return await super().call(operation, request)


def test_a_snapshot_that_is_asked_for_again_does_not_put_old_rows_over_newer_ones():
    """What an event told while the snapshot was on its way stands afterwards."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        store = pilot.app.store
        await until(pilot, lambda: not store.failing, "asked again")
        await settle(pilot)
        assert store.tasks[TASK].state == "completed"

    engine = Racing()
    engine.problems["peers.list"] = ODD
    play(steps, engine=engine)


def test_the_banner_is_true_after_a_dialog_and_an_error_is_kept_with_its_reason(monkeypatch):
    """Lost or found while a box is open: the screen below says so once the box is closed. A key typed before an error could be read
    does not close it, and the event log has its reason."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        banner = pilot.app.screen.query_one("#banner")
        for state, shown in (("lost", True), ("connected", False)):
            await pilot.press("colon")
            await until(pilot, lambda: isinstance(pilot.app.screen, Ask), "asked")
            engine.connect_state(state)
            await pilot.press("escape")
            await until(pilot, lambda shown=shown: banner.has_class("-shown") is shown, f"{state} is told")

        monkeypatch.setattr("chorus_tui.widgets.box.TYPE_AHEAD_S", 3600)
        pilot.app.report("It was refused", "Nothing was written.\nAsk ada.")
        await settle(pilot)
        await pilot.press("x", "escape")
        await settle(pilot)
        assert isinstance(pilot.app.screen, ErrorBox)
        monkeypatch.setattr("chorus_tui.widgets.box.TYPE_AHEAD_S", 0)
        await pilot.press("x")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ErrorBox), "closed")
        assert pilot.app.store.lines[-1].text == "E1: It was refused: Nothing was written. Ask ada."

    play(steps)


def test_a_form_says_that_the_engine_is_out_of_reach_and_what_to_do(picture):
    """Lost while a form is open, and one that is opened while it is lost: a line above its frame says so, names the command that starts
    the engine, and goes when the engine is back."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.hello = a_hello(data_dir="/my data")
        await pilot.press("a", *"jars")
        engine.connect_state("lost")
        for _ in range(2):
            await until(pilot, lambda: "The engine is out of reach" in text_of(pilot), "told above the form")
            assert "chorus-tui --data-dir '/my data' starts it" in " ".join(text_of(pilot).split())
            assert isinstance(pilot.app.screen, Form)
            if pilot.app.screen.query_one("#task-title", Input).value == "jars":
                await settle(pilot)
                picture(pilot.app, "tasks/announce-lost-80x24")
                pilot.app.screen.dismiss("")
                await until(pilot, lambda: not isinstance(pilot.app.screen, Form), "closed")
                await pilot.press("a")
        engine.connect_state("connected")
        await until(pilot, lambda: "out of reach" not in text_of(pilot), "back")

    play(steps, size=(80, 24))


def test_an_engine_that_was_started_here_and_fell_is_started_again_a_few_times(monkeypatch):
    """It is started as often as it may fall in a while; then the person is told how. One that was told to stop stays so."""
    monkeypatch.setattr("chorus_tui.client.reviving.LOOK_S", 0)

    class Started(FakeEngine):
        fallen = staticmethod(lambda: True)

    async def run() -> None:
        starts, said, first, stopped = [], [], Started(), FakeEngine()

        async def connect(_progress: Any) -> Any:
            starts.append(Started())
            return starts[-1]

        await Reviver(first, connect, said.append).watch(lambda: True)
        assert len(starts) == MOST
        assert all(one.gone for one in starts)
        assert [bool(words) for words in said] == [True] * MOST + [False]
        looks = iter([True, True, False])
        await Reviver(stopped, connect, said.append).watch(lambda: next(looks))
        assert len(starts) == MOST

    asyncio.run(run())
