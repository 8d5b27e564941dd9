"""What all screens of the portal have in common: head line, banner, footer, filter, and being told of changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static

from chorus_tui.store import TOPICS, Store
from chorus_tui.widgets.plain import plain

if TYPE_CHECKING:
    from chorus_tui.client import Connection


class PortalScreen(Screen[None]):
    """Subclasses give ``body()`` and redraw in ``changed()``."""

    DEFAULT_CSS = """
    PortalScreen > #head { height: 1; background: $panel; color: $text; padding: 0 1; }
    PortalScreen > #banner { height: auto; max-height: 3; background: $warning; color: auto 90%; padding: 0 1; display: none; }
    PortalScreen > #banner.-shown { display: block; }
    PortalScreen > #filter { height: 3; display: none; border: round $accent; }
    PortalScreen > #filter.-shown { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's way
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("slash", "filter", "Filter", key_display="/", id="portal.filter", tooltip="Filter the list or log"),
        Binding("g", "top", "Top", show=False, id="portal.top", tooltip="First line of the list"),
        Binding("G", "bottom", "Bottom", show=False, id="portal.bottom", tooltip="Last line of the list"),
        Binding(
            "escape", "unfilter", "Clear filter", show=False, id="portal.unfilter", tooltip="Clear and close the filter"
        ),
    ]
    NAME = ""

    def compose(self) -> ComposeResult:
        yield Static(id="head", markup=False)
        yield Static(id="banner", markup=False)
        yield from self.body()
        yield Input(placeholder="filter: type to narrow, escape to clear", id="filter", compact=False)
        yield Footer()

    def body(self) -> ComposeResult:
        """The screen's own widgets."""
        yield from ()

    @property
    def store(self) -> Store:
        """What there is to show."""
        return self.app.store  # type: ignore[attr-defined, no-any-return]

    def on_screen_resume(self) -> None:
        """Shown (again): everything may have changed."""
        self.show_head()
        self.changed(set(TOPICS))

    def tell(self, topics: set[str]) -> None:
        """Something changed while this screen is shown. One that is still being made shows all of it when it is."""
        if not self.is_mounted:
            return
        if topics & {"status", "inbox"}:
            self.show_head()
        self.changed(topics)

    def changed(self, topics: set[str]) -> None:
        """Redraw what shows these topics."""

    def filtered(self, text: str) -> None:
        """The filter is ``text`` now."""

    def show_connection(self, connection: Connection) -> None:
        """The banner, while the engine is out of reach."""
        if not self.is_mounted:
            return
        banner = self.query_one("#banner", Static)
        words = {
            "lost": "⚠ The engine is out of reach; what you see is as it was. Reconnecting …",
            "refused": "✗ The engine does not take this portal.",
        }.get(connection.state, "")
        banner.set_class(bool(words), "-shown")
        banner.update(f"{words} {plain(connection.detail)}".strip())

    def show_head(self) -> None:
        """Who I am, the mesh, its admin."""
        if self.is_mounted:
            self.query_one("#head", Static).update(head_line(self.NAME, self.store, self.size.width))

    def action_filter(self) -> None:
        """Open the filter."""
        field = self.query_one("#filter", Input)
        field.add_class("-shown")
        field.focus()

    def action_unfilter(self) -> None:
        """Clear and close it."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.remove_class("-shown")
        self.filtered("")
        self.focus_main()

    def action_top(self) -> None:
        """First row of the table that has the keys."""
        if isinstance(self.focused, DataTable):
            self.focused.action_scroll_top()

    def action_bottom(self) -> None:
        """Last row of the table that has the keys."""
        if isinstance(self.focused, DataTable):
            self.focused.action_scroll_bottom()

    def focus_main(self) -> None:
        """Focus what keys should reach."""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Live."""
        if event.input.id == "filter":
            self.filtered(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, go back to the list."""
        if event.input.id == "filter":
            self.focus_main()


def head_line(name: str, store: Store, width: int) -> Text:
    """``chorus-tui · tasks   you · mesh 1a2b · admin ada, term 1 · 3 peers``."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("chorus-tui", style="bold")
    line.append(f" · {name}")
    status = store.status
    if status is None:
        return line
    admin = f"admin {plain(status.admin.agent_id)}, term {status.admin.term}" if status.admin else "no admin"
    if status.admin and status.admin_lost:
        who = "this peer was, and" if status.admin.peer_id == status.peer_id else plain(status.admin.agent_id)
        admin = f"no admin ({who} {status.admin_lost})"
    mesh = f"mesh {status.mesh_id[:8]}" if status.mesh_id else "no mesh yet"
    facts = [plain(status.agent_id), mesh, admin, f"{status.peers} peers" if status.peers != 1 else "1 peer"]
    if store.inbox:
        facts.insert(0, f"✉ {len(store.inbox)} for you (i)")
    if status.network == "open":
        facts.append("⚠ network key off")
    right = " · ".join(facts)
    gap = max(2, width - 2 - len(line.plain) - len(right))
    line.append(" " * gap + right, style="dim" if status.health == "healthy" else "")
    return line
