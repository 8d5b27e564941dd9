"""The web screen: what is served, who is connected, and that its keys do what they say."""

from __future__ import annotations

from typing import Any

import pytest

from chorus_tui.contract.models.portals import PortalGuest, ServedPortal
from chorus_tui.contract.problem import Problem
from chorus_tui.screens.web import OneTimeUrl
from chorus_tui.widgets.dialogs import Confirm, ErrorBox
from tests.ui.fake_engine import NOW, FakeEngine
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_look import text_of

WEB = ServedPortal(
    kind="web", pid=4711, address="http://127.0.0.1:8090", since=NOW - 4000,
    guests=[
        PortalGuest(person="ana", scope="operate", address="127.0.0.1:51234", since=NOW - 300),
        PortalGuest(person="ben \x1b[31m[b]", scope="operate", address="127.0.0.1:51240", since=NOW - 20),
    ],
)  # fmt: skip
SSH = ServedPortal(
    kind="ssh",
    pid=4712,
    address="127.0.0.1:2222",
    since=NOW - 90,
    identity="SHA256:5f2oQm0Zc7dK3yqf1n9p8rLw2aXvB6tHsUeJ4iGkYlM",
)


def serving(*portals: ServedPortal) -> FakeEngine:
    engine = FakeEngine()
    engine.portals = list(portals)
    return engine


def asked(engine: FakeEngine, operation: str) -> list[Any]:
    return [request for name, request in engine.calls if name == operation]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", ["served", "off", "failing", "url"])
def test_the_screen_looks_as_it_should(picture, size, world):
    """Both served and people in one; none, with what to do; a start that failed with its reason; a one-time URL."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        if world == "failing":
            engine.problems["web.start"] = Problem(
                502, "not-served", "The portal did not come up", "Cannot listen on 127.0.0.1 port 8090"
            )
            await pilot.press("s", "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, ErrorBox), "the reason is shown")
        if world == "url":
            await pilot.press("u")
            await until(pilot, lambda: isinstance(pilot.app.screen, OneTimeUrl), "the URL is shown")
        await settle(pilot)
        picture(pilot.app, f"web/{world}-{size}")

    play(steps, engine=serving(WEB, SSH) if world in ("served", "url") else serving(), first="web", size=SIZES[size])


def test_it_is_started_with_the_rights_that_were_chosen():
    """s, a scope, enter; what is no scope is not asked for. Over SSH it is a question."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("s", *["backspace"] * 7, *"root", "enter")
        await settle(pilot)
        assert not asked(engine, "web.start")
        assert "'root' is none of: read, operate, admin" in text_of(pilot)
        await pilot.press(*["backspace"] * 4, *"read", "enter")
        await until(pilot, lambda: bool(asked(engine, "web.start")), "asked")
        await settle(pilot)
        await pilot.press("down", "s")
        await settle(pilot)
        await pilot.press("y")
        await until(pilot, lambda: len(asked(engine, "web.start")) == 2, "asked for SSH")

        assert [(one.kind, one.scope) for one in asked(engine, "web.start")] == [("web", "read"), ("ssh", None)]

    play(steps, engine=serving(), first="web")


def test_stopping_asks_first_and_says_whom_it_throws_out():
    """N leaves it; y stops what is under the cursor."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("x")
        await settle(pilot)
        assert isinstance(pilot.app.screen, Confirm)
        assert "2 people will be thrown out" in pilot.app.screen._question
        await pilot.press("n", "x")
        await settle(pilot)
        assert not asked(engine, "web.stop")
        await pilot.press("y")
        await until(pilot, lambda: bool(asked(engine, "web.stop")), "stopped")

        assert [one.kind for one in asked(engine, "web.stop")] == ["web"]

    play(steps, engine=serving(WEB, SSH), first="web")


@pytest.mark.parametrize("way", ["9", ":web"])
def test_every_way_leads_to_it(way):
    """Its number, and its word."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press(*(["9"] if way == "9" else ["colon", *"web", "enter"]))
        await until(pilot, lambda: bool(pilot.app.screen.query("#portals")), "the screen is shown")

    play(steps, first="tasks")
