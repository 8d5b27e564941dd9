"""Peers that are kept out, on the peers screen."""

from __future__ import annotations

from typing import Any

import pytest

from chorus_tui.contract.models.peers import Ban
from chorus_tui.widgets.dialogs import Confirm
from tests.ui.playing import SIZES, play, settle, until

from .fake_engine import NOW, FakeEngine


def guarded() -> FakeEngine:
    """One banned by its conduct, one blocked by a person."""
    engine = FakeEngine()
    bans = {
        2: Ban(why="it misbehaved (last: bad frame), 2 times lately", since=NOW - 30, until=NOW + 90, by_person=False),
        3: Ban(why="eve blocked it", since=NOW - 7200, until=None, by_person=True),
    }
    for at, ban in bans.items():
        state = "banned" if ban.until else "blocked"
        engine.peers[at] = engine.peers[at].model_copy(update={"state": state, "ban": ban, "latency_ms": None})
    return engine


@pytest.mark.parametrize("size", SIZES)
def test_who_is_kept_out_is_shown_with_why_and_until(picture, size):
    """In words and a sign, with the reason and the time left in the detail."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("down", "down")
        await settle(pilot)
        picture(pilot.app, f"peers/kept-out-{size}")

    play(steps, engine=guarded(), first="peers", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_what_is_held_against_a_peer_is_shown(picture, size):
    """With a sign in its row, and in the detail in words, of how many and what follows."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await pilot.press("down")
        await settle(pilot)
        picture(pilot.app, f"peers/held-against-{size}")

    engine = FakeEngine()
    engine.peers[1] = engine.peers[1].model_copy(update={"held_against": 36})
    play(steps, engine=engine, first="peers", size=SIZES[size])


def test_a_peer_is_blocked_and_let_in_after_a_question():
    """The key asks first, says what it means, and calls the operation; on a peer that is out it lets it in."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        for downs, operation in ((1, "peers.block"), (1, "peers.unban")):
            await pilot.press(*["down"] * downs, "b")
            await until(pilot, lambda: isinstance(pilot.app.screen, Confirm), "asked")
            await settle(pilot)
            await pilot.press("y")
            await until(pilot, lambda operation=operation: operation in [name for name, _ in engine.calls], operation)

        asked = {name: request.peer for name, request in engine.calls if name.startswith("peers.") and request}
        assert asked == {"peers.block": engine.peers[1].peer_id, "peers.unban": engine.peers[2].peer_id}

    play(steps, engine=guarded(), first="peers")


def test_the_line_of_the_key_is_what_it_would_do_now():
    """On a peer that is out it is the one that lets it in; on another the one that blocks."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        screen = pilot.app.screen
        for at, word in ((1, "block"), (2, "unban")):
            await pilot.press("down")
            assert ("Block/let in", f"chorus-tui peers {word} {engine.peers[at].peer_id}") in screen.told_commands()

    play(steps, engine=guarded(), first="peers")


def test_oneself_is_not_blocked():
    """The key on the own row says so and asks nothing."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("b")
        await settle(pilot)
        assert [name for name, _ in engine.calls if name.startswith("peers.") and name != "peers.list"] == []

    play(steps, engine=guarded(), first="peers")
