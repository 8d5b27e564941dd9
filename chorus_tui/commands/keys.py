"""Every key of the portal, from the screens themselves: for the help and for checking a keymap. Imports all screens, so it is asked
only where that is wanted."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from chorus_tui.commands.places import PLACES


@dataclass(frozen=True, slots=True)
class Key:
    """A binding as people meet it. ``where``: a screen's name, or ``everywhere``."""

    name: str
    """Its id, which a keymap names."""
    keys: str
    shown: str
    title: str
    help: str
    where: str


def everywhere(app: type[Any]) -> list[Key]:
    """Those of the app, those of all screens, then each screen's own; each id once."""
    found: dict[str, Key] = {}
    for key in _of(app, "everywhere"):
        found.setdefault(key.name, key)
    for where, (module, name) in PLACES.items():
        screen: type[Screen[Any]] = getattr(importlib.import_module(f"chorus_tui.screens.{module}"), name)
        for key in _of(screen, where):
            found.setdefault(key.name, key)
    return sorted(found.values(), key=lambda key: key.where != "everywhere")


def _of(owner: type[Any], where: str) -> Iterator[Key]:
    for one in owner.__mro__:
        for binding in vars(one).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                place = "everywhere" if binding.id.startswith(("go.", "portal.")) else where
                shown = binding.key_display or binding.key.replace(",", " ")
                yield Key(binding.id, binding.key, shown, binding.description, binding.tooltip, place)
