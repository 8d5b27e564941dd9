"""A person asks for a goal: the form, its pictures, and each fault at its field."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, Select, TextArea

from chorus_tui.contract.problem import invalid
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_agents import called, shown


@pytest.mark.parametrize("size", SIZES)
def test_the_form_with_a_goal_looks_as_it_should(picture, size):
    """A goal, its checks, and a fault shown at its field."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        form = await filled_form(pilot)
        form.query_one("#steps", Input).value = "9999"
        await pilot.press("ctrl+s")
        await settle(pilot)
        picture(pilot.app, f"tasks/goal-{size}")

    play(steps, size=SIZES[size])


async def filled_form(pilot: Any) -> Any:
    """Open it and ask for a goal."""
    await pilot.press("a")
    await settle(pilot, 2)
    form = pilot.app.screen
    form.query_one("#task-title", Input).value = "Mend the shop"
    form.query_one("#kind", Select).value = "goal"
    form.query_one("#asked", TextArea).text = "Make the tests pass.\nDo not change the tests."
    form.query_one("#checks", TextArea).text = "python3 -m unittest -q\n\ntrue"
    form.query_one("#repository", Input).value = "https://git.example/shop.git"
    await settle(pilot, 2)
    return form


def test_a_goal_is_announced_with_checks_delivery_and_budget():
    """As typed; a budget is asked for only with a goal."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        form = await filled_form(pilot)
        assert not form.query_one("#steps", Input).disabled
        form.query_one("#deliver", Select).value = "branch"
        form.query_one("#steps", Input).value = "9"
        form.query_one("#tokens", Input).value = "5000"
        form.query_one("#plan-first", Select).value = "yes"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(called(engine, "tasks.announce")), "announced")
        spec = called(engine, "tasks.announce")[0].spec

        assert (spec.goal, spec.commands) == ("Make the tests pass.\nDo not change the tests.", [])
        assert (spec.checks, spec.deliver) == (["python3 -m unittest -q", "true"], "branch")
        assert (spec.budget.steps, spec.budget.tokens, spec.plan_first) == (9, 5000, True)

    play(steps)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("#steps", "9999", "at most 200"),
        ("#task-title", "", "is needed"),
        ("#asked", "", "give commands to run, or a goal to reach"),
        ("#outputs", "../x", "must be a glob"),
        ("#after", "nope", "is no task id"),
        ("#timeout", "soon", "a number of seconds, such as 600"),
    ],
)
@pytest.mark.parametrize("size", SIZES)
def test_a_fault_is_shown_at_its_field(size, field, value, told):
    """The field is in view with the keys on it, says what is wrong, and loses that when it is mended."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        form = await filled_form(pilot)
        place = form.query_one(field)
        if isinstance(place, Input):
            place.value = value
        else:
            place.text = value
        await pilot.press("ctrl+s")
        await settle(pilot)

        assert told in str(place.border_subtitle)
        assert told in str(form.query_one("#problem").render())
        assert pilot.app.focused is place
        assert form.query_one("#fields").region.contains_region(place.region)
        assert [widget.id for widget in form.query(".-wrong")] == [field[1:]]
        assert not called(engine, "tasks.announce")

    play(steps, size=SIZES[size])


def test_letters_in_a_field_for_a_number_are_shown_to_be_mended():
    """No key is swallowed without a word: what was typed stands there, and sending says what the field takes."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        form = await filled_form(pilot)
        place = form.query_one("#timeout", Input)
        place.focus()
        await pilot.press("end", *"0s")
        assert place.value == "6000s"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "time limit: a number of seconds, such as 600" in shown(pilot), "told whole")

    play(steps)


def test_the_engines_word_on_a_field_is_shown_there():
    """Problems that only the engine can know, by the same names."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems["tasks.announce"] = invalid(
            {"spec.budget.tokens": "more than this mesh allows", "spec.checks": "[b]odd[/b]"}
        )
        form = await filled_form(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)

        assert "more than this mesh allows" in str(form.query_one("#tokens").border_subtitle)
        assert "tokens: more than this mesh allows" in str(form.query_one("#problem").render())
        assert {widget.id for widget in form.query(".-wrong")} == {"tokens", "checks"}
        assert "[b]odd[/b]" in shown(pilot)

    play(steps)
