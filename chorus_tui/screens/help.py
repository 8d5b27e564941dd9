"""Help: first steps, commands, keys, and what the names mean. ``/`` searches it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from chorus_tui.commands.keys import Key, everywhere
from chorus_tui.commands.places import PLACES
from chorus_tui.commands.table import COMMANDS
from chorus_tui.screens.help_words import FIRST_STEPS, GLOSSARY
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.portal_screen import PortalScreen

NAME_WIDTH = 14
GATHER_S = 0.1
Entries = Sequence[tuple[str, str]]
Sections = Sequence[tuple[str, Entries]]


class HelpScreen(PortalScreen):
    """One long page."""

    NAME = "help"
    CSS_PATH = "help.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._sections: Sections = sections([])
        self.complete = False
        """Whether the keys of all screens stand on the page."""

    def body(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            yield Static(page(self._sections, "")[0], id="help-text", markup=False)

    def on_mount(self) -> None:
        """Keys scroll the page. Those of all screens are gathered once it is painted."""
        self.query_one("#page").focus()
        # Well after the first layout: one that is asked for while it is made is forgotten, and the page stays as short as it was.
        self.set_timer(GATHER_S, self._gather_keys)

    def _gather_keys(self) -> None:
        own: dict[str, str] = self.app.own_keys  # type: ignore[attr-defined]
        keys = everywhere(type(self.app))
        self._sections = sections([(key.where, own.get(key.name, key.shown), key) for key in keys])
        self.filtered(self.filter_text)
        self.complete = True

    def filtered(self, text: str) -> None:
        shown, hidden = page(self._sections, text)
        self.query_one("#help-text", Static).update(shown)
        self.tell_hidden(hidden, sum(len(rows) for _, rows in self._sections))

    def focus_main(self) -> None:
        self.query_one("#page").focus()


def sections(keys: Sequence[tuple[str, str, Key]]) -> Sections:
    """All there is to tell, by heading; ``keys`` with the screen and how they are shown."""
    told: list[tuple[str, Entries]] = [
        ("First steps", FIRST_STEPS),
        ("Commands of the : prompt and the palette (ctrl+p), and the same in a shell", [
            (f":{command.word}", f"{command.help}{f'   $ {command.cli}' if command.cli else ''}") for command in COMMANDS
        ]),
    ]  # fmt: skip
    for place in dict.fromkeys(where for where, _, _ in keys):
        title = f"Keys on {place}" if place in PLACES else f"Keys {place}"
        found = [(shown, f"{key.title}: {key.help}   [{key.name}]") for where, shown, key in keys if where == place]
        told.append((title, found))
    return [*told, ("What the names mean", GLOSSARY)]


def page(told: Sections, wanted: str) -> tuple[RenderableType, int]:
    """The lines that hold ``wanted``, under their headings, and how many do not."""
    needle, hidden = wanted.casefold(), 0
    parts: list[RenderableType] = []
    for title, rows in told:
        found = [(name, meaning) for name, meaning in rows if needle in f"{title} {name} {meaning}".casefold()]
        hidden += len(rows) - len(found)
        if found:
            parts += [Text(title, style="bold"), table(found, NAME_WIDTH), Text()]
    return Group(*parts) if parts else Text(f"Nothing here about “{plain(wanted, limit=60)}”.", style="dim"), hidden
