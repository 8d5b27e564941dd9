"""The keys that work now, the screen's own first: whoever asks for them wants to know what can be done here."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from chorus_tui.widgets.key_words import told

if TYPE_CHECKING:
    from chorus_tui.app import ChorusApp

HERE, EVERYWHERE, MOVING = "on this screen", "everywhere", "to move and to mark"


@dataclass(frozen=True, slots=True)
class Told:
    """A key as it is told."""

    group: str
    signs: str
    words: str
    help: str


class KeysBox(ModalScreen[None]):
    """Closes with the key that opened it, too."""

    DEFAULT_CSS = """
    KeysBox { align: center middle; }
    KeysBox > VerticalScroll {
        width: 84; max-width: 98%; height: auto; max-height: 92%; border: round $accent; background: $surface; padding: 0 1;
    }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape,q,question_mark", "leave", "Close", key_display="esc", id="keys.close", tooltip="Close the list of keys"),
    ]  # fmt: skip

    def __init__(self, keys: list[Told]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "keys"
            box.border_subtitle = f"↑ ↓ scroll · {escape(told(self, 'keys.close', 'esc q ?'))} close"
            yield Static(_tables(self._keys))

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)


def keys_of(screen: Screen[Any]) -> list[Told]:
    """What can be pressed now. Of several keys that do one thing all are told, in one line."""
    app: ChorusApp = screen.app  # type: ignore[assignment]
    found: dict[tuple[str, str], list[Binding]] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        if enabled and not binding.system and binding.description:
            found.setdefault((_group(node, binding, screen), binding.action), []).append(binding)
    rows = []
    for (group, _action), bindings in found.items():
        bindings.sort(key=lambda one: not one.id)  # ours before Textual's, which tells of a command prompt
        signs = " ".join(dict.fromkeys(app.get_key_display(one) for one in bindings))
        rows.append(Told(group, signs, bindings[0].description, bindings[0].tooltip))
    order = (HERE, EVERYWHERE, MOVING)
    return sorted(rows, key=lambda row: order.index(row.group))


def _group(node: object, binding: Binding, screen: Screen[Any]) -> str:
    if node is screen and not (binding.id or "").startswith("portal."):
        return HERE if binding.id else MOVING
    return EVERYWHERE if node in (screen, screen.app) else MOVING


def _tables(keys: list[Told]) -> Group:
    """One a group: long names of keys for moving do not take the room of the others."""
    parts: list[RenderableType] = []
    for group, rows in groupby(keys, key=lambda key: key.group):
        table = Table.grid(padding=(0, 1))
        table.add_column(justify="right", style="bold", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(style="dim")
        for key in rows:
            table.add_row(Text(key.signs), Text(key.words), Text(key.help))
        parts += [*([Text()] if parts else []), Text(group, style="underline"), table]
    return Group(*parts)
