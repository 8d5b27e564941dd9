"""The portal against a scripted engine: how it looks, and that each key does what it says."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from textual.widgets import DataTable, Input, Select, TextArea

from chorus_tui.app import ChorusApp
from chorus_tui.client import EngineGone
from chorus_tui.contract.problem import invalid
from chorus_tui.screens.status import facts
from chorus_tui.store import Store
from chorus_tui.widgets.portal_screen import head_line
from tests.ui.fake_engine import NOW, FakeEngine, a_status, checks
from tests.ui.playing import SIZES, play, settle, until

# ── pictures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("screen", ["help", "status", "peers", "tasks"])
@pytest.mark.parametrize("world", ["filled", "empty"])
def test_each_screen_looks_as_it_should(picture, screen, size, world):
    """Every screen, filled and empty, at both sizes."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        for n, (level, text) in enumerate(
            [("info", "👑 Following ada, the admin of mesh 3efb9b9c, term 1"), ("warning", "“Build” lost its worker")]
        ):
            if world == "filled":
                engine.say("log", None, {"at": NOW - 60 + n, "level": level, "text": text})
        await settle(pilot)
        picture(pilot.app, f"{screen}/{world}-{size}")

    play(steps, engine=FakeEngine(empty=world == "empty"), first=screen, size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_the_announce_form_looks_as_it_should(picture, size):
    """The form with a problem shown at its field's name."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("a")
        await settle(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        picture(pilot.app, f"tasks/announce-{size}")

    play(steps, size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_a_finished_task_looks_as_it_should(picture, size):
    """Exit code, file and output of a task that the mesh confirmed."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("G")
        await settle(pilot)
        picture(pilot.app, f"tasks/finished-{size}")

    engine = FakeEngine()
    engine.output = (
        "test_empty (test_total.Total.test_empty) ... ok\ntest_sum_of_amounts (test_total.Total.test_sum_of_amounts) ... ok\n\n"
        "----------------------------------------------------------------\nRan 2 tests in 0.001s\n\nOK\n"
    )
    play(steps, engine=engine, size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_a_lost_admin_and_a_lost_engine_look_as_they_should(picture, size):
    """No admin is said in words on status, and that no beat is heard; a lost engine shows a banner."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.connect_state("lost")
        await settle(pilot)
        picture(pilot.app, f"status/lost-{size}")

    engine = FakeEngine()
    engine.status = a_status(
        mesh_state="no_admin", health="degraded", peers=2, checks=checks("healthy", "2 connected", ("degraded", "ada is the only voter and has not been heard")),
        mesh_detail="No admin: ada is the only voter and has not been heard. Running tasks go on, new ones wait",
        admin={"agent_id": "ada", "peer_id": "12D3KooWAda", "term": 1, "reachable": False},
        beats={
            "index": 59_812_334, "tempo_bpm": 2.0, "phase": "execute", "drift_ms": 3, "problem": "no beat is heard",
            "bar": {"from_beat": 59_812_200, "to_beat": 59_812_319, "agents": {"idle": 2, "executing": 1}, "operations": {"settling": 4}},
        },
    )  # fmt: skip
    play(steps, engine=engine, first="status", size=SIZES[size])


@pytest.mark.parametrize(("who", "head", "fact"), [
    ("12D3KooWAda", "no admin (ada is not heard)", "⚠ is not heard"),
    ("me", "no admin (this peer was, and no majority hears it)", "⚠ no majority hears it"),
])  # fmt: skip
def test_an_admin_that_does_not_count_is_named_with_the_reason(who, head, fact):
    """Another's silence is told apart from the own loss of a majority, in the head line and among the facts."""
    store = Store()
    status = a_status(admin={"agent_id": "ada", "peer_id": "12D3KooWAda", "term": 1, "reachable": False})
    store.status = status.model_copy(
        update={"admin": status.admin.model_copy(update={"peer_id": status.peer_id if who == "me" else who})}
    )
    console = Console(width=60, file=StringIO())
    console.print(facts(store.status, NOW))

    assert head in head_line("status", store, 200).plain
    assert fact in console.file.getvalue()


# ── keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_announcing_shows_problems_at_the_field_and_then_succeeds():
    """Nothing typed is lost when the engine refuses; the second try sends the corrected task and closes the form."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems["tasks.announce"] = invalid({"spec.repository": "/nowhere is no git repository"})
        await pilot.press("a")
        await settle(pilot)
        form = pilot.app.screen
        form.query_one("#task-title", Input).value = "Say hello"
        form.query_one(TextArea).text = "echo hello\n\necho again"
        form.query_one("#repository", Input).value = "/nowhere"
        await pilot.press("ctrl+s")
        await settle(pilot)

        assert "repository: /nowhere is no git repository" in str(form.query_one("#problem").render())
        assert form.query_one("#task-title", Input).value == "Say hello"
        engine.problems.clear()
        form.query_one("#repository", Input).value = ""
        form.query_one("#role", Input).value = "tester"
        form.query_one("#after", Input).value = "01ARZ3NDEKTSV4RRFFQ69G5FA3"
        form.query_one("#approval", Select).value = "risky"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.screen is not form, "the form closes")
        spec = engine.calls[[name for name, _ in engine.calls].index("tasks.announce") :]
        sent = [request.spec for name, request in spec if name == "tasks.announce"][-1]

        assert (sent.title, sent.commands, sent.repository) == ("Say hello", ["echo hello", "echo again"], "")
        assert (sent.role, sent.depends_on, sent.approval) == ("tester", ["01ARZ3NDEKTSV4RRFFQ69G5FA3"], "risky")

    play(steps)


class Thinking(FakeEngine):
    """Answers an announcement when it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def call(self, operation: str, request: Any = None) -> Any:
        answer = await super().call(operation, request)
        if operation == "tasks.announce":
            await self.go_on.wait()
        return answer


def test_what_is_on_its_way_is_not_sent_again():
    """However often the key or the button is pressed before the answer: the engine would carry out each."""

    async def steps(pilot: Any, engine: Thinking) -> None:
        await pilot.press("a")
        await settle(pilot)
        form = pilot.app.screen
        form.query_one("#task-title", Input).value = "Say hello"
        form.query_one(TextArea).text = "echo hello"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "tasks.announce" in [name for name, _ in engine.calls], "sent")
        await pilot.press("ctrl+s", "ctrl+s")
        form.query_one("#send").press()
        await settle(pilot)
        engine.go_on.set()
        await until(pilot, lambda: pilot.app.screen is not form, "the form closes")

        assert [name for name, _ in engine.calls].count("tasks.announce") == 1

    play(steps, engine=Thinking())


def test_cancelling_asks_first_and_swallows_type_ahead(monkeypatch):
    """A y typed before the question could be read does nothing; a y after it does it."""
    monkeypatch.setattr("chorus_tui.widgets.box.TYPE_AHEAD_S", 3600)

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("x", "y")
        await settle(pilot)

        assert "tasks.cancel" not in [name for name, _ in engine.calls]
        monkeypatch.setattr("chorus_tui.widgets.box.TYPE_AHEAD_S", 0)
        await pilot.press("y")
        await until(pilot, lambda: "tasks.cancel" in [name for name, _ in engine.calls], "cancelled")
        request = dict(engine.calls)["tasks.cancel"]

        assert request.task_id == "01ARZ3NDEKTSV4RRFFQ69G5FA3"

    play(steps)


def test_the_filter_narrows_and_escape_clears():
    """``/`` narrows the board by any word of a row."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        board = pilot.app.screen.query_one(DataTable)
        await pilot.press("slash", *"share", "enter")
        await settle(pilot)

        assert [str(key.value)[-1] for key in board.rows] == ["2"]
        await pilot.press("escape")
        await settle(pilot)

        assert board.row_count == 4

    play(steps)


def test_prompt_palette_and_keys_reach_every_screen():
    """``:``, the palette and the number keys lead to the same screens."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        for key, mode in (("1", "help"), ("2", "status"), ("3", "peers"), ("t", "tasks")):
            await pilot.press(key)
            await settle(pilot, 2)
            assert pilot.app.current_mode == mode
        await pilot.press("colon", *"peers", "enter")
        await until(pilot, lambda: pilot.app.current_mode == "peers", "the prompt leads to peers")
        await pilot.press("ctrl+p", *"Status")
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.current_mode == "status", "the palette leads to status")

    play(steps)


def test_a_lost_engine_shows_a_banner_and_comes_back():
    """While it is gone the banner says so; back, the banner goes and what changed meanwhile is shown."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        banner = pilot.app.screen.query_one("#banner")
        engine.connect_state("lost")
        await settle(pilot, 2)

        assert banner.has_class("-shown")
        engine.connect_state("connected")
        engine.say(
            "tasks",
            "01ARZ3NDEKTSV4RRFFQ69G5FA3",
            {**engine.row(engine.tasks["01ARZ3NDEKTSV4RRFFQ69G5FA3"]).model_dump(), "state": "completed"},
        )
        await settle(pilot)
        row = pilot.app.screen.query_one(DataTable).get_row("01ARZ3NDEKTSV4RRFFQ69G5FA3")

        assert not banner.has_class("-shown")
        assert "completed" in str(row[0])

    play(steps)


def test_an_engine_that_does_not_start_is_told_with_its_reason_and_can_be_tried_again():
    """The connecting screen shows the engine's own words; r tries again."""
    tries = []

    async def connect(progress: Any) -> Any:
        tries.append(1)
        progress("Starting the engine")
        if len(tries) == 1:
            raise EngineGone("CHORUS_LICENSE_ID is not set")
        return FakeEngine()

    async def run() -> None:
        app = ChorusApp(connect, first="tasks")
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            assert "CHORUS_LICENSE_ID is not set" in str(app.screen.query_one("#box").render())
            await pilot.press("r")
            await until(pilot, lambda: app.current_mode == "tasks", "connected at the second try")

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["status", "peers", "tasks", "help"])
def test_events_while_a_screen_is_being_made_do_not_end_the_portal(mode):
    """A busy machine takes a moment to make a screen; what is told meanwhile is shown once it is there."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        screen = pilot.app.MODES[mode]()
        screen.tell({"status", "peers", "tasks", "log"})
        await pilot.app.push_screen(screen)
        await settle(pilot, 2)

        assert screen.is_mounted

    play(steps, first="help" if mode != "help" else "status")


def test_the_prompt_brings_back_what_was_typed():
    """Up goes back line by line, down to what was being typed; the same line twice counts once; the screens know nothing of it."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        for word in ("peers", "status", "status"):
            await pilot.press("colon", *word, "enter")
            await until(pilot, lambda word=word: pilot.app.current_mode == word, word)
        await pilot.press("colon", *"ta")
        await until(pilot, lambda: bool(pilot.app.screen.query(Input)), "asked")
        field, seen = pilot.app.screen.query_one(Input), []
        for key in ("up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            seen.append(field.value)

        assert seen == ["status", "peers", "peers", "status", "ta", "ta"]

    play(steps)


HOSTILE = [
    "[red]not markup[/red]",
    "\x1b[2J\x1b]52;c;aGk=\x07",
    "a\u202egnp.exe",
    "Z" + "\u0301" * 500,
    "x" * 1_000_000,
    "[@click=app.quit]q[/]",
]


@pytest.mark.parametrize("text", HOSTILE, ids=["markup", "escape", "bidi", "zalgo", "long", "action"])
def test_text_from_the_network_is_shown_harmlessly(text):
    """As task title, peer name, log line and output: never obeyed, never breaking a screen."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        task = next(iter(engine.tasks.values()))
        engine.tasks = {task.task_id: task.model_copy(update={"title": text[:200], "detail": text[:500]})}
        engine.peers = [engine.peers[1].model_copy(update={"name": text[:200], "status": text[:20]})]
        engine.output = text
        engine.say("log", None, {"at": NOW, "level": "info", "text": text})
        engine.say("status", "status", engine.status.model_dump(), dropped=1)
        for key in ("t", "3", "2", "t"):
            await pilot.press(key)
            await settle(pilot)
            shown = "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
            assert "\x1b" not in shown
            assert "\u202e" not in shown

        assert pilot.app.is_running

    play(steps)


def test_the_front_loads_none_of_the_engines_libraries():
    """``import chorus_tui.app`` loads neither libp2p, trio, asyncssh nor aiohttp, nor any of the engine."""
    code = (
        "import sys, chorus_tui.app; "
        "print([m for m in ('libp2p','trio','asyncssh','aiohttp','docker','chorus_tui.engine') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
