"""People see and steer the work of agents: how it looks, and that each key does what it says."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, Static

from chorus_tui.contract.models import task_spec, tasks
from chorus_tui.contract.problem import Problem
from chorus_tui.widgets.event_log import STYLES, EventLog
from chorus_tui.widgets.reader import MOST_LINES, Lines, Reader
from tests.ui.agents import ASKED, PATCH, STEPS, TASK, agents_task, ended, refuted, under_way, verified
from tests.ui.fake_engine import IDS, NOW, FakeEngine, a_status
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_portal import HOSTILE
from tests.ui.test_task_hands import one_task

KEYS = {"say", "hold", "end", "diff", "transcript"}


def shown(pilot: Any) -> str:
    """All text of the screen."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


def called(engine: FakeEngine, operation: str) -> list[Any]:
    """Requests of this operation so far."""
    return [request for name, request in engine.calls if name == operation]


# ── pictures ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "engine"),
    [("agent", under_way), ("verified", verified), ("refuted", refuted)],
)
def test_an_agents_task_looks_as_it_should(picture, name, engine, size):
    """Under way with its steps and what is spent; verified with its change; done as it says and not verified."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        picture(pilot.app, f"tasks/{name}-{size}")

    play(steps, engine=engine(), size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["v", "m"])
def test_diff_and_transcript_look_as_they_should(picture, key, size):
    """Over the whole screen, in colours, with the command that prints the same."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader), "it opens")
        await settle(pilot)
        picture(pilot.app, f"tasks/{'diff' if key == 'v' else 'transcript'}-{size}")

    play(steps, engine=verified(), size=SIZES[size])


# ── steering ───────────────────────────────────────────────────────────────────────────────────────────────────────


def by_another(**fields: Any) -> FakeEngine:
    """Announced by grace, watched by somebody who decides nothing."""
    engine = under_way(announcer=IDS[1], **fields)
    engine.status = a_status(authority="coordination")
    return engine


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (under_way, {"say", "hold", "end"}),
        (by_another, {"say"}),
        (lambda: agents_task("result_in"), {"say"}),
        (verified, {"say", "diff", "transcript"}),
        (refuted, {"say", "diff", "transcript"}),
        (lambda: one_task("running"), {"say"}),
        (lambda: FakeEngine(empty=True), set()),
    ],
    ids=["under way", "another's", "result in", "verified", "refuted", "commands", "no task"],
)
def test_a_key_is_offered_only_where_it_can_do_something(engine, expected):
    """Steering only for an agent at work and for who may; reading only where there is something to read."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        actions = {active.binding.action for active in pilot.app.screen.active_bindings.values()}

        assert actions & KEYS == expected

    play(steps, engine=engine())


@pytest.mark.parametrize(("paused", "operation"), [(False, "tasks.pause"), (True, "tasks.resume")])
def test_hold_pauses_or_goes_on(paused, operation):
    """Whichever applies: the command line of the key before, and the notice after it name that one."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        word = operation.removeprefix("tasks.")
        assert ("Hold/go on", f"chorus-tui task {word} {TASK}") in pilot.app.screen.told_commands()
        await pilot.press("h")
        await until(pilot, lambda: bool(called(engine, operation)), operation)
        await settle(pilot)

        assert called(engine, operation)[0].task_id == TASK
        assert f"chorus-tui task {word}" in shown(pilot)

    play(steps, engine=under_way(paused=paused))


def test_a_word_is_said_in_the_thread():
    """The dialog names its command; an empty word says nothing."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("w")
        await settle(pilot)
        assert "chorus-tui task say" in shown(pilot)
        await pilot.press("enter", "w")
        await settle(pilot)
        assert not called(engine, "tasks.say")
        pilot.app.screen.query_one(Input).value = "use sum"
        await pilot.press("enter")
        await until(pilot, lambda: bool(called(engine, "tasks.say")), "said")

        assert [(request.task_id, request.text) for request in called(engine, "tasks.say")] == [(TASK, "use sum")]

    play(steps, engine=under_way())


def test_ending_the_work_asks_first(monkeypatch):
    """Nothing before the yes."""
    monkeypatch.setattr("chorus_tui.widgets.box.TYPE_AHEAD_S", 0)

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("e")
        await settle(pilot)
        assert "chorus-tui task stop" in shown(pilot)
        await pilot.press("n", "e")
        await settle(pilot)
        assert not called(engine, "tasks.stop")
        await pilot.press("y")
        await until(pilot, lambda: bool(called(engine, "tasks.stop")), "stopped")

    play(steps, engine=under_way())


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("key", "data"), [("v", PATCH), ("m", STEPS.encode())], ids=["diff", "transcript"])
def test_what_is_read_is_saved_byte_for_byte_and_over_nothing(tmp_path, key, data):
    """``s`` writes what the result promised; a file that is there stays as it is, and that is said."""
    target = tmp_path / "saved"

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        for content in (data, b"mine"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(pilot.app.screen, Reader), "it opens")
            await pilot.press("s")
            await settle(pilot, 2)
            pilot.app.screen.query_one(Input).value = str(target)
            await pilot.press("enter")
            await settle(pilot, 2)
            if content == b"mine":
                assert "It could not be saved" in shown(pilot)
                await pilot.press("escape")
                await settle(pilot, 2)
            else:
                assert target.read_bytes() == data
                target.write_bytes(b"mine")
            await pilot.press("escape")
            await settle(pilot, 2)

        assert target.read_bytes() == b"mine"
        assert not isinstance(pilot.app.screen, Reader)

    play(steps, engine=verified())


@pytest.mark.parametrize("failure", ["damaged", "refused"])
def test_what_was_not_promised_is_not_shown(failure):
    """Other content than the digest says, and a blob nobody holds: an error box, no diff."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        if failure == "refused":
            engine.problems["blobs.read"] = Problem(404, "missing", "No member in reach holds it")
        else:
            engine.blobs = {digest: b"x" * len(data) for digest, data in engine.blobs.items()}
        await pilot.press("v")
        await until(pilot, lambda: "It could not be fetched" in shown(pilot), "told")

        assert not isinstance(pilot.app.screen, Reader)

    play(steps, engine=verified())


def test_a_long_diff_scrolls_and_says_what_is_left_out():
    """Only so many lines are shown; the last says how many more there are; End and Home reach both ends."""
    lines = [("added", f"+{n} {'x' * 200}") for n in range(MOST_LINES + 7)]

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        pilot.app.push_screen(Reader("long", "chorus-tui task diff X", lines, b"", "x.patch"))
        await settle(pilot)
        assert "+0 x" in shown(pilot)
        await pilot.press("end")
        await settle(pilot)
        assert "7 more lines; s saves all of them" in shown(pilot)
        await pilot.press("home")
        await settle(pilot)

        assert "+0 x" in shown(pilot)
        # 200 letters and the number are folded on three rows of this width, none of them cut.
        assert len(pilot.app.screen.query_one(Lines)._rows) > 2 * MOST_LINES

    play(steps, size=(100, 30))


@pytest.mark.parametrize("text", HOSTILE, ids=["markup", "escape", "bidi", "zalgo", "long", "action"])
def test_text_of_an_agent_is_shown_harmlessly(text):
    """In the thread, the summary, the names of files, the output of checks, a patch: never obeyed."""
    word = tasks.TaskWord(by=IDS[0], name=text[:60], at=NOW, kind="word", text=text[:4000])

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        view = engine.tasks[TASK]
        result = view.result
        change = result.change.model_copy(
            update={"names": [text[:200]], "left_out": text[:200], "patch": engine.keep(text.encode())}
        )
        result = result.model_copy(update={"summary": text[:2000], "model": text[:200], "change": change})
        check = view.verification.model_copy(
            update={"state": "failed", "output_tail": text[:2000], "by_name": text[:60]}
        )
        place = view.delivered[0].model_copy(update={"ref": text[:100], "where": text[:100], "problem": ""})
        engine.tasks[TASK] = view.model_copy(
            update={"result": result, "verification": check, "words": [word], "delivered": [place]}
        )
        engine.say("tasks", TASK, engine.row(engine.tasks[TASK]).model_dump())
        await settle(pilot)
        for key in ("o", "v"):
            await pilot.press(key)
            await settle(pilot)
            assert "\x1b" not in shown(pilot)
            assert "\u202e" not in shown(pilot)

        assert isinstance(pilot.app.screen, Reader)

    play(steps, engine=verified(), size=(120, 60))


# ── what is said on the screen ─────────────────────────────────────────────────────────────────────────────────────


def test_steps_of_the_loop_stand_out_in_the_output():
    """Their lines have a style of their own; the others have none."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        lines = pilot.app.screen.query_one("#output", EventLog)._shown

        assert [text[:13] for level, text in lines if level == "step"] == [
            "── step 1 of ",
            "── step 2 of ",
            "── step 3 of ",
        ]
        assert {level for level, text in lines if not text.startswith("── step")} == {"info"}
        assert STYLES["step"] != STYLES["info"]

    play(steps, engine=under_way())


def test_the_narrow_screen_reaches_every_fact_by_keys():
    """At 80 by 24 the pane of the task takes the keys and grows; its end can be scrolled to."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        pane = pilot.app.screen.query_one("#task")
        before = pane.size.height
        assert "step 3 of 24, 4,210 of 200,000 tokens, 35 of 600 s" in shown(pilot)
        await pilot.press("o")
        await settle(pilot)
        assert pane.size.height > before
        await pilot.press("end")
        await settle(pilot)

        assert "source" in shown(pilot)

    play(steps, engine=under_way(), size=(80, 24))


def test_an_unverified_end_never_looks_verified():
    """Done as the agent says, with no checks at all: the words say that nothing is verified, and no tick is shown for it."""
    spec = task_spec.TaskSpec.model_validate({**ASKED, "checks": []})

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        text = shown(pilot)

        assert "· no checks: nothing is verified" in text
        assert "· its agent says that the goal is reached" in text

    play(steps, engine=ended("completed", "none", spec=spec, verification=tasks.Verification()), size=(140, 50))


def test_saving_takes_the_patch_with_the_files(tmp_path):
    """As changes.patch, byte for byte."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("s")
        await settle(pilot)
        assert "Save 1 file where?" in str(pilot.app.screen.query_one(".question", Static).render())
        pilot.app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await until(pilot, (tmp_path / "changes.patch").exists, "saved")

        assert (tmp_path / "changes.patch").read_bytes() == PATCH

    play(steps, engine=verified())
