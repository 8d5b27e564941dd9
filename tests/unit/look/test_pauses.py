"""What the collector of garbage has to look through in a portal that has its process for itself."""

from __future__ import annotations

import subprocess
import sys

PORTAL = """
import asyncio, gc, sys
from chorus_tui.cli import main
from chorus_tui.look import pauses

with pauses.none_while_importing():
    held = not gc.isenabled()
    from chorus_tui.app import ChorusApp
imported = gc.get_freeze_count()

async def look():
    from tests.support.portal_under_load import Flood
    async def connect(_progress):
        return Flood(0)
    app = ChorusApp(connect, alone=sys.argv[1] == "alone")
    async with app.run_test() as pilot:
        while not app.store.status or app._settles:
            await pilot.pause(0.01)
        await pilot.pause()
        await pilot.pause()
        print(held, gc.isenabled(), imported > 10_000, gc.get_freeze_count() > imported, len(gc.get_objects()) < imported)

asyncio.run(look())
"""


def looked_at(whose: str) -> list[str]:
    """Held back while importing, on again, imports set aside, first screen set aside, less left than was imported."""
    done = subprocess.run([sys.executable, "-c", PORTAL, whose], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_imports_and_the_first_screen_are_set_aside_once():
    """They are looked through no more, the collector is on, and what comes later is little beside them."""
    assert looked_at("alone") == ["True"] * 5


def test_beside_others_only_imports_are():
    """What one portal of many holds is let go with it."""
    assert looked_at("beside others")[:4] == ["True", "True", "True", "False"]
