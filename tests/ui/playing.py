"""Playing the portal without a terminal: the steps of a test, and what they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.css.query import NoMatches

from chorus_tui.app import ChorusApp
from tests.support.patience import PATIENCE
from tests.ui.fake_engine import FakeEngine

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
Steps = Callable[[Any, FakeEngine], Awaitable[None]]


def play(
    steps: Steps,
    *,
    engine: FakeEngine | None = None,
    first: str = "tasks",
    size: tuple[int, int] = (120, 40),
    read_only: bool = False,
    answers: bool = True,
) -> None:
    """Run the portal headless and take ``steps(pilot, engine)``, at once if the engine does not even answer for the first time."""
    engine = engine or FakeEngine()

    async def connect(_progress: Any) -> Any:
        return engine

    async def run() -> None:
        app = ChorusApp(connect, first=first, read_only=read_only)
        app.animation_level = "none"
        async with app.run_test(size=size, notifications=True) as pilot:
            if answers:
                await begun(pilot, engine)
            await settle(pilot)
            await steps(pilot, engine)

    asyncio.run(run())


def composed(app: Any) -> bool:
    """Whether the screen on top has all its widgets. A screen is on top before it is composed: who asks it then finds nothing."""
    return not app.is_running or not app.screen_stack or app.screen.is_mounted


async def begun(pilot: Any, engine: FakeEngine) -> None:
    """Wait for the first answers, if there will be some: a key for a row that is not there yet does nothing."""
    await until(pilot, lambda: pilot.app.store.loaded or engine.gone, "the first answers are here")


async def settle(pilot: Any, calm: int = 4) -> None:
    """Let workers, the drawing clock and layout come to rest: the screen has stayed the same for a while."""
    before, same = "", 0
    for _ in range(80):
        await pilot.pause(0.06)
        now = "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
        resting = now == before and composed(pilot.app) and getattr(pilot.app.screen, "complete", True)
        same = same + 1 if resting else 0
        before = now
        if same >= calm:
            return


async def until(pilot: Any, condition: Callable[[], bool], what: str) -> None:
    """Wait for ``condition`` and for the screen that it then holds on; a widget that is not there yet is a no."""
    missing: NoMatches | None = None
    for _ in range(100 * PATIENCE):
        try:
            if condition() and composed(pilot.app):
                return
        except NoMatches as why:
            missing = why
        await pilot.pause(0.05)
    raise AssertionError(f"never: {what}") from missing
