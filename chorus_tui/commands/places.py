"""The screens by name, each with where it is; a screen is imported when it is first shown."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from textual.screen import Screen

PLACES: Final = {
    "help": ("help", "HelpScreen"),
    "status": ("status", "StatusScreen"),
    "peers": ("peers", "PeersScreen"),
    "tasks": ("tasks", "TasksScreen"),
    "hmmm": ("hmmm", "HmmmScreen"),
    "journal": ("journal", "JournalScreen"),
    "inbox": ("inbox", "InboxScreen"),
    "decide": ("decide", "DecideScreen"),
    "patch": ("patch", "PatchScreen"),
    "collab": ("collab", "CollabScreen"),
    "ucxl": ("ucxl", "UcxlScreen"),
    "web": ("web", "WebScreen"),
}
"""Module below ``chorus_tui.screens``, and class."""


def lazily(module: str, name: str) -> Callable[[], Screen[Any]]:
    """A screen that is imported when it is first shown."""

    def make() -> Screen[Any]:
        screen: Screen[Any] = getattr(importlib.import_module(f"chorus_tui.screens.{module}"), name)()
        return screen

    return make
