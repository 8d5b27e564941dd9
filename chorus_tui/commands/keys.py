"""Every key of the portal, from the screens themselves: for the help and for checking a keymap. Imports all screens, so it is asked
only where that is wanted."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from textual.binding import Binding
from textual.screen import Screen

from chorus_tui.commands.places import PLACES

ELSEWHERE: Final = (
    ("in boxes", "widgets.dialogs", ("Confirm", "Prompt")),
    ("in boxes", "widgets.answer", ("AnswerBox",)),
    ("in boxes", "widgets.command_box", ("CommandBox",)),
    ("in boxes", "widgets.keys_box", ("KeysBox",)),
    ("in boxes", "screens.ucxl_search", ("SearchBox", "ChooseBox")),
    ("in forms", "widgets.form", ("Form",)),
    ("in forms", "screens.ucxl_form", ("ContentForm",)),
    ("in forms", "screens.hmmm_wizard", ("Wizard",)),
    ("in forms", "screens.patch_wizard", ("PatchWizard",)),
    ("in logs and long texts", "widgets.event_log", ("EventLog",)),
    ("in logs and long texts", "widgets.reader", ("Reader", "Lines")),
    ("in logs and long texts", "screens.ucxl_compare", ("Compare",)),
    ("in logs and long texts", "widgets.diff", ("SideBySide",)),
    ("while it connects", "screens.connecting", ("ConnectingScreen",)),
)
"""What has keys and is no screen of its own: how the help calls its place, its module, its classes."""


@dataclass(frozen=True, slots=True)
class Key:
    """A binding as people meet it. ``where``: a screen's name, ``everywhere``, or in what it is there over or on several screens."""

    name: str
    """Its id, which a keymap names."""
    keys: str
    shown: str
    title: str
    help: str
    where: str


def everywhere(app: type[Any]) -> list[Key]:
    """Those of the app, those of all screens, then each screen's own, then those of boxes, forms and texts; each id once."""
    found: dict[str, Key] = {}
    for key in _of(app, "everywhere"):
        found.setdefault(key.name, key)
    for where, (module, name) in PLACES.items():
        screen: type[Screen[Any]] = getattr(importlib.import_module(f"chorus_tui.screens.{module}"), name)
        for key in _of(screen, where):
            found.setdefault(key.name, key)
    for where, module, names in ELSEWHERE:
        for name in names:
            for key in _of(getattr(importlib.import_module(f"chorus_tui.{module}"), name), where):
                found.setdefault(key.name, key)
    return sorted(found.values(), key=lambda key: key.where != "everywhere")


def _of(owner: type[Any], where: str) -> Iterator[Key]:
    for one in owner.__mro__:
        for binding in vars(one).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                place = "everywhere" if binding.id.startswith(("go.", "portal.")) else where
                shown = binding.key_display or binding.key.replace(",", " ")
                yield Key(binding.id, binding.key, shown, binding.description, binding.tooltip, place)
